//! OUT endpoints 1 to 7: bulk or interrupt packets from the host.
//!
//! A packet waits in the endpoint's own 64 bytes until the DMA has fetched it. The END of that transfer lets the
//! endpoint take the next packet, *by itself*: a SIZE.EPOUT\[n\] write after it would arm a second time, and the packet
//! that has come in between is overwritten. So SIZE is written once, by `open`. (TinyUSB 64f41dea6, embassy PR #6688.)
//!
//! | state | `received` | `read`, `receive` | the host's OUT |
//! |---|---|---|---|
//! | *closed* | `None` | `Closed` | no answer |
//! | *armed* | -> *full* if a packet has come | `Empty` | ACK |
//! | *full* | its length | -> *armed*, at END | NAK |
//!
//! A bus reset closes the endpoint in hardware: call [`EpOut::close`].

use embedded_dma::WriteBuffer;
use thiserror::Error;

use super::engine::{NotInRam, Port};
use super::{Engine, Refused, Transfer, map};
use crate::address::BusAddress;
use crate::fence::DmaFence;
use crate::registers::Registers;

/// An OUT endpoint, 1 to 7.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Engine, EpOut, ReceiveError, Refused};
/// # type Bus = ChipBus<InOrder>;
/// /// Takes a packet into a buffer in RAM, without a copy.
/// fn take(engine: Engine<Bus>, epout: &mut EpOut, room: &'static mut [u8; 64]) -> (Engine<Bus>, Option<u8>) {
///     match epout.receive(engine, room) {
///         Ok(transfer) => {
///             let (engine, bytes) = transfer.wait();
///             (engine, Some(bytes[0]))
///         }
///         Err(Refused { kind: ReceiveError::Empty, channel, .. }) => (channel, None),
///         Err(Refused { kind, .. }) => panic!("{kind}"),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct EpOut {
    number: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Armed,
    Full { length: usize },
}

/// Why an OUT endpoint gave nothing. Nothing was touched; a packet that waits, waits.
///
/// See [`EpOut`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The endpoint was not opened, or closed by a reset.
    #[error("the OUT endpoint is closed: `open` it when the host sets the configuration")]
    Closed,
    /// No packet has come.
    #[error("no packet has come: wait until `received`")]
    Empty,
    /// The packet is longer than the buffer.
    #[error("a packet of {packet} bytes does not fit a buffer of {buffer}: give at least 64")]
    TooShort {
        /// The packet's length.
        packet: usize,
        /// The buffer's length.
        buffer: usize,
    },
    /// EasyDMA writes RAM only.
    #[error("EasyDMA cannot reach {address}, which is not in RAM")]
    NotInRam {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

impl From<NotInRam> for ReceiveError {
    fn from(NotInRam(address): NotInRam) -> Self {
        Self::NotInRam { address }
    }
}

impl EpOut {
    pub(super) const fn new(number: u8) -> Self {
        Self { number, state: State::Closed }
    }

    /// The endpoint's number.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Opens the endpoint: empty, not halted, DATA0 next, ready for a packet. For SET_CONFIGURATION and SET_INTERFACE.
    pub fn open<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        let usbd = &mut engine.usbd;
        // An endpoint that is enabled anew takes nothing until SIZE is written (PS, figure of bulk OUT), whatever it
        // did before: so one write arms it once.
        usbd.enable(map::epouten(), self.number, false);
        usbd.enable(map::epouten(), self.number, true);
        usbd.unhalt(self.number, false);
        usbd.write(map::epdatastatus(), self.data_done());
        usbd.write(map::size_epout(self.number.into()), 0);
        self.state = State::Armed;
    }

    /// Closes the endpoint: it answers nothing any more, and a packet that waits is lost. Call it at a bus reset, too:
    /// the hardware has done so by itself.
    pub fn close<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        engine.usbd.enable(map::epouten(), self.number, false);
        self.state = State::Closed;
    }

    /// Halts the endpoint (STALL), or ends a halt: DATA0 next, and no packet of before.
    pub fn halt<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, halted: bool) {
        if halted {
            engine.usbd.halt(self.number, false);
        } else if self.state != State::Closed {
            self.open(engine);
        }
    }

    /// The length of the packet that waits, if one has come.
    ///
    /// In an interrupt handler, clear EVENTS_EPDATA before ([`Usbd::take_epdata`](super::Usbd::take_epdata)): it is
    /// raised when a bit of EPDATASTATUS goes from 0 to 1, and not again.
    pub fn received<B: Registers + DmaFence>(&mut self, engine: &Engine<B>) -> Option<usize> {
        if self.state == State::Armed && engine.usbd.take_data_status(self.data_done()) {
            let length = engine.usbd.received_size(self.number);
            self.state = State::Full { length };
        }
        match self.state {
            State::Full { length } => Some(length),
            State::Closed | State::Armed => None,
        }
    }

    /// Takes the packet that has come, by way of the engine's buffer. Returns its length.
    ///
    /// # Errors
    ///
    /// See [`ReceiveError`].
    pub fn read<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        bytes: &mut [u8],
    ) -> Result<usize, ReceiveError> {
        let length = self.check(engine, bytes.len())?;
        let packet = engine.receive_copy(Port::epout(self.number), length)?;
        bytes[..length].copy_from_slice(packet);
        self.state = State::Armed;
        Ok(length)
    }

    /// Takes the packet that has come into a buffer in RAM, without a copy and without waiting. Its length is what
    /// [`received`](Self::received) says before.
    ///
    /// # Errors
    ///
    /// See [`ReceiveError`]; engine and buffer come back.
    pub fn receive<B, T>(
        &mut self,
        engine: Engine<B>,
        buffer: T,
    ) -> Result<Transfer<B, T>, Refused<ReceiveError, Engine<B>, T>>
    where
        B: Registers + DmaFence,
        T: WriteBuffer<Word = u8> + 'static,
    {
        let port = Port::epout(self.number);
        let transfer = Transfer::receive(engine, port, buffer, |engine, _, length| self.check(engine, length));
        transfer.inspect(|_| self.state = State::Armed)
    }

    /// The length of the packet, if there is one and it fits. MAXCNT is that length: more would fetch what is left of a
    /// packet before, less would lose the rest.
    fn check<B: Registers + DmaFence>(&mut self, engine: &Engine<B>, buffer: usize) -> Result<usize, ReceiveError> {
        match (self.state, self.received(engine)) {
            (State::Closed, _) => Err(ReceiveError::Closed),
            (_, None) => Err(ReceiveError::Empty),
            (_, Some(packet)) if packet > buffer => Err(ReceiveError::TooShort { packet, buffer }),
            (_, Some(packet)) => Ok(packet),
        }
    }

    /// The endpoint's bit in EPDATASTATUS.
    fn data_done(&self) -> u32 {
        1 << (16 + u32::from(self.number))
    }
}
