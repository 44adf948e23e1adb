//! Endpoint 0 beside other endpoints: SETUP, data stages in both directions, status stage.
//!
//! [`Control`] is what [`Ep0In`](super::Ep0In) is, for a device with more than endpoint 0: it borrows the engine for
//! each packet and waits for END, so that the engine is free while the host takes its time.
//!
//! | stage | you call | then comes |
//! |---|---|---|
//! | SETUP | | [`ControlEvent::Setup`] |
//! | data to the host | [`write`](Control::write), the last packet with `last` | [`ControlEvent::Sent`] for each |
//! | status after data to the host | nothing: `Sent` of the last packet has permitted it | nothing: no event says so |
//! | data from the host | [`permit`](Control::permit) | [`ControlEvent::Received`]: [`read`](Control::read) it |
//! | status after data from the host, or without data | [`accept`](Control::accept) | nothing: no event says so |
//! | refusal of any | [`stall`](Control::stall) | |
//!
//! SET_ADDRESS is answered by the hardware, status stage included: do nothing. A SETUP ends whatever went before.
//!
//! # Why no shortcut
//!
//! `Ep0In` has hardware permit the status stage of a control read, at the host's ACK: SHORT EP0DATADONE_EP0STATUS.
//! Beside other endpoints that is wrong. EP0STATUS needs the DMA engine idle (TinyUSB 583326e53, 6b621baeb), and the
//! host takes the packet whenever it likes, so also while another endpoint's transfer runs. To take the shortcut away
//! for that time does not help: of a packet that is taken at about that moment, nobody can tell afterwards whether the
//! shortcut was still there, and a second EP0STATUS may permit the status stage of the host's next transfer.
//!
//! So it is [`next_event`](Control::next_event) that permits it, which has the engine; nrfx, Zephyr and TinyUSB use the
//! task, too. Until then the host gets NAK, and cannot go on.
//!
//! # Limits
//!
//! - [`next_event`](Control::next_event), [`accept`](Control::accept) and `UsbBus` look for a SETUP, and then permit
//!   the status stage. One that arrives in between has its own permitted: a host that leaves a status stage out, by a
//!   SETUP or by a reset, and then writes, may have its write acknowledged, and nobody here has seen it. The hardware
//!   offers no way to close that window.
//! - EP0RCVOUT cannot be taken back. If it outlives a SETUP that comes in its place (drivers have seen that, embassy
//!   issue #768; the core underneath is documented otherwise), the next control write finds its data stage permitted.
//!   It is refused then, and a host that asks again is served.

use thiserror::Error;

use super::engine::{NotInRam, Port};
use super::{Engine, map};
use crate::address::BusAddress;
use crate::fence::DmaFence;
use crate::registers::Registers;
use crate::usb::Setup;

/// What happened on endpoint 0.
///
/// See [`Control`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlEvent {
    /// The host has reset the bus. All endpoints but this one are closed: tell them.
    Reset,
    /// A control transfer begins.
    Setup(Setup),
    /// The host has taken the packet. If it was the last, the status stage is permitted, unless a SETUP has come since.
    Sent,
    /// A packet of the data stage waits, of this length: [`Control::read`] it.
    Received(usize),
}

/// Why endpoint 0 did not do what it was asked for. Nothing was touched.
///
/// See [`Control`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The host has not taken the packet before, or a packet from the host has not been read.
    #[error("endpoint 0 has a packet on its way: wait for `Sent`, or `read` what was received")]
    Busy,
    /// More than a packet.
    #[error("{length} bytes do not fit a packet of endpoint 0: send at most 64 at a time")]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// No packet has come.
    #[error("no packet has come: wait for `Received`")]
    Empty,
    /// The packet is longer than the buffer.
    #[error("a packet of {packet} bytes does not fit a buffer of {buffer}: give at least 64")]
    TooShort {
        /// The packet's length.
        packet: usize,
        /// The buffer's length.
        buffer: usize,
    },
    /// The host has begun another control transfer meanwhile: the bytes are of no use.
    #[error("a SETUP has come meanwhile: it is the next event")]
    Overtaken,
    /// EasyDMA reaches RAM only.
    #[error("EasyDMA cannot reach the engine's buffer at {address}, which is not in RAM")]
    NotInRam {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

impl From<NotInRam> for ControlError {
    fn from(NotInRam(address): NotInRam) -> Self {
        Self::NotInRam { address }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is on its way.
    Idle,
    /// A packet waits for the host. `overtaken`: a SETUP had come when it was armed. `last`: the status stage is due
    /// when the host has it.
    Sending { overtaken: bool, last: bool },
    /// One packet from the host is permitted.
    Receiving,
    /// A packet of this length waits to be read.
    Received { length: usize },
}

/// Endpoint 0.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Control, ControlError, ControlEvent, Engine};
/// # use dma_api::usb::SET_ADDRESS;
/// /// Answers reads with two bytes, and takes writes of up to a packet.
/// fn serve(engine: &mut Engine<ChipBus<InOrder>>, control: &mut Control) -> Result<(), ControlError> {
///     let mut bytes = [0; 64];
///     match control.next_event(engine) {
///         Some(ControlEvent::Setup(setup)) if setup.request == SET_ADDRESS => Ok(()), // the hardware answers
///         Some(ControlEvent::Setup(setup)) if setup.length == 0 => control.accept(engine),
///         Some(ControlEvent::Setup(setup)) if setup.is_in() => control.write(engine, &[1, 2], true),
///         Some(ControlEvent::Setup(_)) => control.permit(engine),
///         Some(ControlEvent::Received(_)) => match control.read(engine, &mut bytes) {
///             Err(ControlError::Overtaken) => Ok(()), // the SETUP is the next event
///             outcome => outcome.and_then(|_| control.accept(engine)),
///         },
///         _ => Ok(()),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Control {
    state: State,
    /// The host may have fetched a packet, or sent one, for a transfer that a reset has ended, and a SETUP is pending.
    stale: bool,
    /// A permission for a packet from the host was given up, and as far as is known no packet has used it (embassy
    /// issue #768). Nothing takes it back: a packet may come by it before the transfer that it is for is known here.
    permission_is_left: bool,
    /// The status stage of the transfer was permitted. Once is enough: if the transfer is over, it would be permitted
    /// for the next one.
    status_is_permitted: bool,
}

impl Control {
    pub(super) const fn new() -> Self {
        Self { state: State::Idle, stale: false, permission_is_left: false, status_is_permitted: false }
    }

    /// Takes the next event, in the order reset, packet, SETUP.
    ///
    /// The status stage of a control read is permitted here, when the host has the last packet: EP0DATADONE is to lead
    /// to a call.
    ///
    /// In an interrupt handler, take all events that there are, until `None`: a SETUP that was read together with a
    /// reset is one that no interrupt tells of any more.
    pub fn next_event<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Option<ControlEvent> {
        let usbd = &mut engine.usbd;
        if let Some(setup) = usbd.setup.take() {
            return Some(ControlEvent::Setup(setup));
        }
        // Sampled first: what came before this SETUP, a reset or a packet, is then seen to have come.
        let setup = usbd.event(map::events_ep0setup());
        if usbd.take_reset() {
            let exposed = self.give_up(engine);
            engine.usbd.write(map::events_ep0datadone(), 0);
            // A SETUP is here already. If a packet went over the wire after it, that was forgotten just now.
            self.stale |= exposed && engine.usbd.event(map::events_ep0setup());
            return Some(ControlEvent::Reset);
        }
        let done = usbd.event(map::events_ep0datadone());
        match self.state {
            // A packet that was overtaken is not the answer that the host takes it for.
            State::Sending { overtaken: false, last } if done => {
                usbd.write(map::events_ep0datadone(), 0);
                if last {
                    self.permit_status(engine);
                }
                self.state = State::Idle;
                return Some(ControlEvent::Sent);
            }
            State::Receiving if done && !setup => {
                usbd.write(map::events_ep0datadone(), 0);
                let length = usbd.received_size(0);
                self.state = State::Received { length };
                return Some(ControlEvent::Received(length));
            }
            _ if !setup => return None,
            _ => {}
        }
        self.take_setup(engine)
    }

    /// The SETUP that is here ends what went before.
    fn take_setup<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Option<ControlEvent> {
        let was_sending = matches!(self.state, State::Sending { .. });
        let exposed = self.give_up(engine);
        let usbd = &mut engine.usbd;
        let done = usbd.event(map::events_ep0datadone());
        let stale = core::mem::take(&mut self.stale) || (exposed && done);
        if done && !was_sending {
            self.permission_is_left = false;
        }
        if done {
            usbd.write(map::events_ep0datadone(), 0);
        }
        if stale {
            // Too early for us to take it back, but the status stage is not permitted yet. Refusing that makes the host
            // ask again.
            usbd.write(map::events_ep0setup(), 0);
            usbd.write(map::tasks_ep0stall(), 1);
            return None;
        }
        let setup = usbd.take_setup();
        if usbd.take_reset() {
            // The SETUP that was read may be of after the reset, and its event is cleared.
            usbd.setup = Some(setup);
            return Some(ControlEvent::Reset);
        }
        Some(ControlEvent::Setup(setup))
    }

    /// Gives up what is on its way: a packet must not be fetched as the answer to another request.
    ///
    /// Returns whether a packet may have gone over the wire as part of the wrong transfer: one that was overtaken, or
    /// one from the host, by a permission that is left. (The hardware disarms at a SETUP, so a packet that was not
    /// overtaken is the answer to its own.)
    fn give_up<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> bool {
        let state = core::mem::replace(&mut self.state, State::Idle);
        self.status_is_permitted = false;
        if let State::Sending { .. } = state {
            engine.usbd.disarm(map::CORE_EP0CS, map::CORE_EP0CS_INBSY);
        }
        self.permission_is_left |= state == State::Receiving;
        self.permission_is_left || matches!(state, State::Sending { overtaken: true, .. })
    }

    /// Whether a packet waits for the host.
    #[cfg(feature = "usb-device")]
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.state, State::Sending { .. })
    }

    /// Sends up to 64 bytes as one packet of the data stage. `last`: the status stage follows, and is permitted by the
    /// [`next_event`](Self::next_event) that says [`Sent`](ControlEvent::Sent).
    ///
    /// # Errors
    ///
    /// [`ControlError::Busy`], [`ControlError::TooLong`].
    pub fn write<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), ControlError> {
        self.idle()?;
        if bytes.len() > map::PACKET_SIZE {
            return Err(ControlError::TooLong { length: bytes.len() });
        }
        // An event of a packet that was given up would pass for this one's.
        engine.usbd.write(map::events_ep0datadone(), 0);
        engine.send_copy(Port::epin(0), bytes)?;
        // A SETUP that is still to come disarms the packet. One that is here may have come before the start, and if the
        // host has taken the packet since, then as the answer to that.
        let overtaken = engine.usbd.event(map::events_ep0setup());
        self.state = State::Sending { overtaken, last };
        Ok(())
    }

    /// Permits one packet of a data stage from the host.
    ///
    /// # Errors
    ///
    /// [`ControlError::Busy`].
    pub fn permit<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Result<(), ControlError> {
        self.idle()?;
        engine.usbd.write(map::tasks_ep0rcvout(), 1);
        self.state = State::Receiving;
        Ok(())
    }

    /// Reads the packet that has come. Returns its length.
    ///
    /// # Errors
    ///
    /// [`ControlError::Empty`], [`ControlError::TooShort`]; [`ControlError::Overtaken`] if the bytes may be another
    /// transfer's.
    pub fn read<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        bytes: &mut [u8],
    ) -> Result<usize, ControlError> {
        let State::Received { length } = self.state else {
            return Err(ControlError::Empty);
        };
        if length > bytes.len() {
            return Err(ControlError::TooShort { packet: length, buffer: bytes.len() });
        }
        let packet = engine.receive_copy(Port::epout(0), length)?;
        bytes[..length].copy_from_slice(packet);
        self.state = State::Idle;
        if engine.usbd.event(map::events_ep0setup()) { Err(ControlError::Overtaken) } else { Ok(length) }
    }

    /// Permits the status stage: the request is accepted. Not for SET_ADDRESS. Does nothing if a SETUP has come since.
    ///
    /// # Errors
    ///
    /// [`ControlError::Busy`].
    pub fn accept<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Result<(), ControlError> {
        self.idle()?;
        self.permit_status(engine);
        Ok(())
    }

    /// Permits the status stage, once, be a packet of the data stage on its way or not; and not that of a transfer
    /// which a SETUP has ended.
    pub(super) fn permit_status<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        if !self.status_is_permitted && !engine.usbd.event(map::events_ep0setup()) {
            engine.usbd.write(map::tasks_ep0status(), 1);
            self.status_is_permitted = true;
        }
    }

    /// Refuses the request: data and status stages are answered with STALL, until the next SETUP.
    ///
    /// # Errors
    ///
    /// [`ControlError::Busy`].
    pub fn stall<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Result<(), ControlError> {
        self.idle()?;
        engine.usbd.write(map::tasks_ep0stall(), 1);
        Ok(())
    }

    /// Nothing is on its way.
    fn idle(&self) -> Result<(), ControlError> {
        if self.state == State::Idle { Ok(()) } else { Err(ControlError::Busy) }
    }
}
