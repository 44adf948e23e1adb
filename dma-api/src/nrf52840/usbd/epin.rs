//! IN endpoints 1 to 7: bulk or interrupt packets to the host.
//!
//! Two things happen to a packet, and they are not the same: END says that the *DMA* has read it (the buffer is yours
//! again), EPDATASTATUS that the *host* has it. Until then the endpoint is armed, and a second START would overwrite
//! the packet under the host's eyes.
//!
//! | state | `write`, `send` | `is_sent` | the host's IN |
//! |---|---|---|---|
//! | *closed* | `Closed` | true | no answer |
//! | *idle* | -> *armed* | true | NAK |
//! | *armed* | `Busy` | -> *idle* once the host has the packet | the packet |
//!
//! A bus reset closes the endpoint in hardware: call [`EpIn::close`]. A packet that is armed survives it (EZ-USB), and
//! would be sent as the first packet of the next configuration: `open` takes it out (nrfx 4.2.1 `usbd_ep_abort`).

use embedded_dma::ReadBuffer;
use thiserror::Error;

use super::engine::{NotInRam, Port};
use super::{Engine, Refused, Transfer, map};
use crate::address::BusAddress;
use crate::fence::DmaFence;
use crate::registers::Registers;

/// An IN endpoint, 1 to 7.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Engine, EpIn, SendError};
/// /// Sends a report, unless the host has yet to take the one before. By `send`, see [`Engine`]'s module.
/// fn report(engine: &mut Engine<ChipBus<InOrder>>, epin: &mut EpIn, report: &[u8; 3]) -> Result<bool, SendError> {
///     match epin.write(engine, report) {
///         Err(SendError::Busy) if !epin.is_sent(engine) => Ok(false),
///         Err(SendError::Busy) => epin.write(engine, report).map(|()| true),
///         outcome => outcome.map(|()| true),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct EpIn {
    number: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Idle,
    Armed,
}

/// Why an IN endpoint did not send. Nothing was touched.
///
/// See [`EpIn`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The endpoint was not opened, or closed by a reset.
    #[error("the IN endpoint is closed: `open` it when the host sets the configuration")]
    Closed,
    /// The host has not taken the packet before.
    #[error("the host has not taken the packet before: wait until `is_sent`")]
    Busy,
    /// More than a packet.
    #[error("{length} bytes do not fit a packet: send at most 64 at a time")]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// EasyDMA cannot read flash.
    #[error("EasyDMA cannot reach {address}, which is not in RAM: use `write`, which copies")]
    NotInRam {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

impl From<NotInRam> for SendError {
    fn from(NotInRam(address): NotInRam) -> Self {
        Self::NotInRam { address }
    }
}

impl EpIn {
    pub(super) const fn new(number: u8) -> Self {
        Self { number, state: State::Closed }
    }

    /// The endpoint's number.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Opens the endpoint: empty, not halted, DATA0 next. For SET_CONFIGURATION and SET_INTERFACE.
    pub fn open<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        let usbd = &mut engine.usbd;
        usbd.disarm(map::core_incs(self.number), map::CORE_INCS_BUSY);
        usbd.unhalt(self.number, true);
        usbd.enable(map::epinen(), self.number, true);
        usbd.write(map::epdatastatus(), self.data_done());
        self.state = State::Idle;
    }

    /// Closes the endpoint: it answers nothing any more. Call it at a bus reset, too: the hardware has done so by
    /// itself.
    pub fn close<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        engine.usbd.enable(map::epinen(), self.number, false);
        self.state = State::Closed;
    }

    /// Halts the endpoint (STALL), or ends a halt: DATA0 next, and no packet of before.
    pub fn halt<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, halted: bool) {
        if halted {
            engine.usbd.halt(self.number, true);
        } else if self.state != State::Closed {
            self.open(engine);
        }
    }

    /// Whether something was sent of which [`is_sent`](Self::is_sent) has not said yet that the host has it.
    pub fn is_armed(&self) -> bool {
        self.state == State::Armed
    }

    /// Whether the host has taken what was sent, so that more can be.
    ///
    /// In an interrupt handler, clear EVENTS_EPDATA before ([`Usbd::take_epdata`](super::Usbd::take_epdata)): it is
    /// raised when a bit of EPDATASTATUS goes from 0 to 1, and not again.
    pub fn is_sent<B: Registers + DmaFence>(&mut self, engine: &Engine<B>) -> bool {
        if self.state == State::Armed && engine.usbd.take_data_status(self.data_done()) {
            self.state = State::Idle;
        }
        self.state != State::Armed
    }

    /// Sends up to 64 bytes as one packet, by way of the engine's buffer. They may lie anywhere, flash included.
    ///
    /// Returns when the DMA has read them, a few microseconds later; the host has them when [`is_sent`](Self::is_sent).
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn write<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, bytes: &[u8]) -> Result<(), SendError> {
        self.check(bytes.len())?;
        engine.send_copy(Port::epin(self.number), bytes)?;
        self.state = State::Armed;
        Ok(())
    }

    /// Sends a buffer in RAM as one packet, without a copy and without waiting.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; engine and buffer come back.
    pub fn send<B, T>(
        &mut self,
        engine: Engine<B>,
        buffer: T,
    ) -> Result<Transfer<B, T>, Refused<SendError, Engine<B>, T>>
    where
        B: Registers + DmaFence,
        T: ReadBuffer<Word = u8> + 'static,
    {
        let transfer =
            Transfer::send(engine, Port::epin(self.number), buffer, |_, _, length| self.check(length).and(Ok(length)));
        transfer.inspect(|_| self.state = State::Armed)
    }

    fn check(&self, length: usize) -> Result<(), SendError> {
        match self.state {
            State::Closed => Err(SendError::Closed),
            State::Armed => Err(SendError::Busy),
            State::Idle if length > map::PACKET_SIZE => Err(SendError::TooLong { length }),
            State::Idle => Ok(()),
        }
    }

    /// The endpoint's bit in EPDATASTATUS.
    fn data_done(&self) -> u32 {
        1 << self.number
    }
}
