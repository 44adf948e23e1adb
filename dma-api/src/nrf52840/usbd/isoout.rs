//! The isochronous OUT endpoint: one packet from the host in each frame.
//!
//! A packet that comes in one frame can be moved in the next, and is gone after that. SIZE.ISOOUT tells three cases
//! apart, EVENTCAUSE.ISOOUTCRC a fourth: [`Received`].
//!
//! | state | `received` | `receive` | at SOF |
//! |---|---|---|---|
//! | *closed* | `Nothing` | `Closed` | |
//! | *empty* | `Nothing`, `ZeroLength` | `Empty` | -> what the last frame has brought |
//! | *bad* | `Corrupted` | `Corrupted` | likewise |
//! | *full* | `Packet` | -> *running* | likewise; the packet is lost |
//! | *running*: [`IsoTransfer`] has the engine | | | [`Late`](super::Late) |
//!
//! After `receive` the endpoint is *empty*, until the next SOF.
//!
//! # Corrupted packets
//!
//! ISOOUTCRC says that a packet had a wrong CRC, and not which. Seen in one frame, it may be about that frame's packet,
//! or about the one before, if nobody has looked in between. So all packets that it may be about are held back: none
//! that is corrupted is given out, and an intact neighbour may go with it. None does if `received` is called right
//! after each SOF and at each USBEVENT, which ISOOUTCRC raises.
//!
//! # Limits
//!
//! - A SOF between the look at SIZE and START changes the packet under the driver. That is seen at the end
//!   ([`Late`](super::Late)) and cannot be prevented: there is one millisecond from SOF to the END. In the simulator
//!   it is a `StartWithoutPacket` besides, if the frame that ended there has brought no packet.
//! - No copying `read`: the engine's bounce buffer has 64 bytes, and a packet 1023.
//! - Two SOFs are told apart by the frame's number, which comes again after 2048 frames (two seconds).

use embedded_dma::WriteBuffer;
use thiserror::Error;

use super::engine::NotInRam;
use super::{Engine, IsoTransfer, OpenError, Refused, Share, Usbd, iso, map};
use crate::address::BusAddress;
use crate::fence::DmaFence;
use crate::registers::Registers;

/// The isochronous OUT endpoint.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Engine, IsoEnded, IsoOut, Late, Received};
/// # type Bus = ChipBus<InOrder>;
/// # fn play(_: &[u8]) {}
/// /// Takes what the last frame has brought; call it right after each SOF.
/// fn take(engine: Engine<Bus>, isoout: &mut IsoOut, room: &'static mut [u8]) -> (Engine<Bus>, &'static mut [u8]) {
///     let Received::Packet(_) = isoout.received(&engine) else {
///         return (engine, room);
///     };
///     let IsoEnded { engine, buffer, length } = match isoout.receive(engine, room) {
///         Ok(transfer) => transfer.wait(),
///         Err(refused) => return (refused.channel, refused.buffer),
///     };
///     match length {
///         Ok(length) => play(&buffer[..length]),
///         Err(Late) => {} // of which frame it is, nobody can say
///     }
///     (engine, buffer)
/// }
/// ```
#[derive(Debug)]
pub struct IsoOut {
    state: State,
    /// ISOOUTCRC was seen in the frame of the last look: its packet, which is looked at in the next frame, is suspect.
    suspect: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// The last look was in `frame`, and this is what is left of what it has `found`.
    Open {
        frame: u16,
        found: Received,
    },
}

/// What the frame before this one has brought.
///
/// See [`IsoOut`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// No packet, or one that was moved since.
    Nothing,
    /// A packet without bytes. There is nothing to move.
    ZeroLength,
    /// A packet of this length.
    Packet(usize),
    /// A packet with a wrong CRC, or one that cannot be told from it.
    Corrupted,
}

/// Why the isochronous OUT endpoint gave nothing. Nothing was touched.
///
/// See [`IsoOut`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsoReceiveError {
    /// The endpoint was not opened, or closed by a reset.
    #[error("the isochronous OUT endpoint is closed: `open` it when the host sets the interface")]
    Closed,
    /// The last frame has brought no bytes, or they were moved.
    #[error("the last frame has brought no bytes: wait for the next one, and for `received`")]
    Empty,
    /// The packet's CRC was wrong.
    #[error("the packet of the last frame is corrupted")]
    Corrupted,
    /// The packet is longer than the buffer.
    #[error("a packet of {packet} bytes does not fit a buffer of {buffer}: give wMaxPacketSize")]
    TooShort {
        /// The packet's length.
        packet: usize,
        /// The buffer's length.
        buffer: usize,
    },
    /// The buffer does not start at a multiple of 4.
    #[error("an isochronous buffer starts at a multiple of 4: put it into a type with `#[repr(align(4))]`")]
    Unaligned,
    /// EasyDMA writes RAM only.
    #[error("EasyDMA cannot reach {address}, which is not in RAM")]
    NotInRam {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

impl From<NotInRam> for IsoReceiveError {
    fn from(NotInRam(address): NotInRam) -> Self {
        Self::NotInRam { address }
    }
}

impl IsoOut {
    pub(super) const fn new() -> Self {
        Self { state: State::Closed, suspect: false }
    }

    /// Opens the endpoint. For SET_CONFIGURATION and SET_INTERFACE. A packet that comes in this frame may be lost.
    ///
    /// # Errors
    ///
    /// [`OpenError::Shared`].
    pub fn open<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, share: Share) -> Result<(), OpenError> {
        let usbd = &mut engine.usbd;
        usbd.split(share, map::epinen())?;
        // If it is open already, a packet that has come in this frame may be what ISOOUTCRC is about, or was.
        self.suspect |= usbd.take_isooutcrc();
        usbd.enable(map::epouten(), iso::NUMBER, true);
        // Enabled first: SIZE.ISOOUT means nothing until the SOF after it. Out of reset it says "zero-length".
        self.state = State::Open { frame: usbd.frame(), found: Received::Nothing };
        Ok(())
    }

    /// Closes the endpoint: it takes nothing any more, and a packet that waits is lost. Call it at a bus reset, too:
    /// the hardware has done so by itself.
    pub fn close<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        engine.usbd.enable(map::epouten(), iso::NUMBER, false);
        self.state = State::Closed;
    }

    /// What the frame before this one has brought. Call it in each frame, right after its SOF
    /// ([`Usbd::take_frame`](super::Usbd::take_frame)), and at USBEVENT.
    pub fn received<B: Registers + DmaFence>(&mut self, engine: &Engine<B>) -> Received {
        self.look(&engine.usbd).map_or(Received::Nothing, |(_, found)| found)
    }

    /// Takes the packet that has come into a buffer in RAM, without a copy and without waiting.
    ///
    /// # Errors
    ///
    /// See [`IsoReceiveError`]; engine and buffer come back.
    pub fn receive<B, T>(
        &mut self,
        engine: Engine<B>,
        buffer: T,
    ) -> Result<IsoTransfer<B, T>, Refused<IsoReceiveError, Engine<B>, T>>
    where
        B: Registers + DmaFence,
        T: WriteBuffer<Word = u8> + 'static,
    {
        let (frame, packet) = match self.look(&engine.usbd) {
            Some((frame, Received::Packet(length))) => (frame, length),
            other => {
                let kind = match other {
                    None => IsoReceiveError::Closed,
                    Some((_, Received::Corrupted)) => IsoReceiveError::Corrupted,
                    Some(_) => IsoReceiveError::Empty,
                };
                return Err(Refused { kind, channel: engine, buffer });
            }
        };
        let transfer = IsoTransfer::receive(engine, buffer, frame, packet, |address, buffer| match packet {
            _ if packet > buffer => Err(IsoReceiveError::TooShort { packet, buffer }),
            _ if !iso::is_aligned(address, packet) => Err(IsoReceiveError::Unaligned),
            _ => Ok(()),
        });
        transfer.inspect(|_| self.state = State::Open { frame, found: Received::Nothing })
    }

    /// This frame, and what the one before has brought. `None`: closed.
    fn look<B: Registers>(&mut self, usbd: &Usbd<B>) -> Option<(u16, Received)> {
        let State::Open { frame, found } = &mut self.state else {
            return None;
        };
        let mut error = false;
        loop {
            let now = usbd.frame_number();
            error |= usbd.take_isooutcrc();
            let is_new = now != *frame;
            let last = if is_new { usbd.iso_received() } else { *found };
            if usbd.frame_number() != now {
                // A frame has begun: what was read may be of either.
                continue;
            }
            let is_suspect = is_new && (error || self.suspect);
            *found = if is_suspect && last != Received::Nothing { Received::Corrupted } else { last };
            *frame = now;
            self.suspect = error || !is_new && self.suspect;
            return Some((now, *found));
        }
    }
}

impl<B: Registers> Usbd<B> {
    /// SIZE.ISOOUT. Out of reach while a transfer runs.
    fn iso_received(&self) -> Received {
        let size = self.bus.read(map::size_isoout());
        match map::size_isoout::SIZE.get(size) {
            _ if map::size_isoout::ZERO.is_set(size) => Received::ZeroLength,
            0 => Received::Nothing,
            length => Received::Packet(length as usize),
        }
    }

    /// Clears EVENTCAUSE.ISOOUTCRC; returns whether it was set.
    fn take_isooutcrc(&self) -> bool {
        let cause = map::eventcause::ISOOUTCRC;
        let set = cause.is_set(self.bus.read(map::eventcause()));
        if set {
            self.write(map::eventcause(), cause.mask());
        }
        set
    }
}
