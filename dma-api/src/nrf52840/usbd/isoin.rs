//! The isochronous IN endpoint: one packet to the host in each frame.
//!
//! A packet that is in the endpoint at a SOF is sent in the frame that begins there, if the host asks, and is gone
//! after it. Nobody says whether the host has it. So there is one thing to wait for, the next SOF: a second START in
//! one frame would overwrite the packet of the first.
//!
//! | state | `send` | `is_free` | at SOF |
//! |---|---|---|---|
//! | *closed* | `Closed` | false | |
//! | *free* | -> *running* | true | the host gets what [`WithoutData`] says |
//! | *running*: [`IsoTransfer`] has the engine | | | [`Late`](super::Late) |
//! | *filled*: its END was seen in this frame | `Busy` | false | -> *free*; the host gets the packet in that frame |
//!
//! How the frames are told: [`Usbd::take_frame`](super::Usbd::take_frame).
//!
//! ```no_run
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, Engine, IsoIn}};
//! /// Sends 48 bytes a frame.
//! fn stream(mut engine: Engine<ChipBus<InOrder>>, isoin: &mut IsoIn, mut samples: &'static mut [u8]) {
//!     loop {
//!         while !isoin.is_free(&engine) {}
//!         let ended = isoin.send(engine, samples, 48).expect("it is open, and in RAM").wait();
//!         // `ended.length` says whether a frame was missed.
//!         (engine, samples) = (ended.engine, ended.buffer);
//!         samples[0] += 1;
//!     }
//! }
//! ```
//!
//! # Limits
//!
//! - A packet that was sent cannot be taken out. One of before a `close`, or a bus reset, may be sent once the endpoint
//!   is opened again; two SOFs later it is gone.
//! - No copying `write`: the engine's bounce buffer has 64 bytes, and a packet 1023. `send` gives the buffer back.
//! - Two SOFs are told apart by the frame's number, which comes again after 2048 frames (two seconds): an endpoint that
//!   sends exactly then finds itself `Busy` for a frame.

use embedded_dma::ReadBuffer;
use thiserror::Error;

use super::engine::NotInRam;
use super::{Engine, IsoTransfer, OpenError, Refused, Share, iso, map};
use crate::address::BusAddress;
use crate::fence::DmaFence;
use crate::registers::Registers;

/// The isochronous IN endpoint.
///
/// See the [module](self) for an example.
#[derive(Debug)]
pub struct IsoIn {
    /// `None`: closed.
    share: Option<Share>,
}

/// What the host gets when it asks in a frame that has no packet (ISOINCONFIG).
///
/// See the [module](self) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutData {
    /// No answer.
    Silence,
    /// A packet without bytes.
    ZeroLength,
}

/// Why the isochronous IN endpoint did not send. Nothing was touched.
///
/// See the [module](self) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsoSendError {
    /// The endpoint was not opened, or closed by a reset.
    #[error("the isochronous IN endpoint is closed: `open` it when the host sets the interface")]
    Closed,
    /// This frame has its packet.
    #[error("a packet was sent in this frame: wait until `is_free`")]
    Busy,
    /// More than a packet.
    #[error("{length} bytes do not fit a packet: send at most {most} in a frame")]
    TooLong {
        /// How many bytes were to be sent.
        length: usize,
        /// How many can be.
        most: usize,
    },
    /// More than the buffer has.
    #[error("{length} bytes were to be sent from a buffer of {buffer}")]
    TooShort {
        /// How many bytes were to be sent.
        length: usize,
        /// The buffer's length.
        buffer: usize,
    },
    /// The buffer does not start at a multiple of 4.
    #[error("an isochronous buffer starts at a multiple of 4: put it into a type with `#[repr(align(4))]`")]
    Unaligned,
    /// EasyDMA cannot read flash.
    #[error("EasyDMA cannot reach {address}, which is not in RAM")]
    NotInRam {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

impl From<NotInRam> for IsoSendError {
    fn from(NotInRam(address): NotInRam) -> Self {
        Self::NotInRam { address }
    }
}

impl IsoIn {
    pub(super) const fn new() -> Self {
        Self { share: None }
    }

    /// Opens the endpoint. For SET_CONFIGURATION and SET_INTERFACE.
    ///
    /// # Errors
    ///
    /// [`OpenError::Shared`].
    pub fn open<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        share: Share,
        without_data: WithoutData,
    ) -> Result<(), OpenError> {
        let usbd = &mut engine.usbd;
        usbd.split(share, map::epouten())?;
        let response = map::isoinconfig::RESPONSE.put((without_data == WithoutData::ZeroLength).into());
        usbd.write(map::isoinconfig(), response);
        usbd.enable(map::epinen(), iso::NUMBER, true);
        self.share = Some(share);
        Ok(())
    }

    /// Closes the endpoint: it answers nothing any more. Call it at a bus reset, too: the hardware has done so by
    /// itself.
    pub fn close<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        engine.usbd.enable(map::epinen(), iso::NUMBER, false);
        self.share = None;
    }

    /// Whether a packet can be sent in this frame: none was.
    pub fn is_free<B: Registers + DmaFence>(&self, engine: &Engine<B>) -> bool {
        self.share.is_some() && engine.filled != Some(engine.usbd.frame_number())
    }

    /// Sends the first `length` bytes of a buffer in RAM in the next frame, without a copy and without waiting.
    ///
    /// # Errors
    ///
    /// See [`IsoSendError`]; engine and buffer come back.
    pub fn send<B, T>(
        &mut self,
        engine: Engine<B>,
        buffer: T,
        length: usize,
    ) -> Result<IsoTransfer<B, T>, Refused<IsoSendError, Engine<B>, T>>
    where
        B: Registers + DmaFence,
        T: ReadBuffer<Word = u8> + 'static,
    {
        let Some(share) = self.share else {
            return Err(Refused { kind: IsoSendError::Closed, channel: engine, buffer });
        };
        // Before START: a SOF that comes from here on makes the transfer late.
        let frame = engine.usbd.frame_number();
        let filled = engine.filled;
        IsoTransfer::send(engine, buffer, frame, length, |address, buffer| match share.packet_size() {
            _ if filled == Some(frame) => Err(IsoSendError::Busy),
            most if length > most => Err(IsoSendError::TooLong { length, most }),
            _ if length > buffer => Err(IsoSendError::TooShort { length, buffer }),
            _ if !iso::is_aligned(address, length) => Err(IsoSendError::Unaligned),
            _ => Ok(()),
        })
    }
}
