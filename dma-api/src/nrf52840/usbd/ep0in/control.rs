//! Endpoint 0 as the host sees it: reset, SETUP, status stage.
//!
//! Events carry no order: two that are set may have come either way. So what came first is found by *when* each is
//! looked at. Exhaustive exploration against resets and SETUPs at any moment has shaped what stands here; each read has
//! a schedule that hangs endpoint 0, or hands an old answer to a new request, without it.

use super::{AnswerError, Ep0In, State, map};
use crate::fence::DmaFence;
use crate::registers::Registers;
use crate::usb::Setup;

/// What happened on endpoint 0.
///
/// See the [crate](crate#use) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The host has reset the bus. A packet on its way was aborted.
    Reset,
    /// The host has taken the packet; the status stage is permitted.
    Sent,
    /// A control transfer begins. A packet on its way was aborted.
    Setup(Setup),
}

impl<B: Registers + DmaFence> Ep0In<B> {
    /// Takes the next event, in the order reset, sent, SETUP; ends or aborts the transfer that it concerns.
    ///
    /// A SETUP is held back while the DMA runs, because its registers are out of reach then.
    ///
    /// In an interrupt handler, take all events that there are, until `None`: a SETUP that was read together with a
    /// reset is one that no interrupt tells of any more.
    pub fn next_event(&mut self) -> Option<Event> {
        if let Some(setup) = self.usbd.setup.take() {
            return Some(Event::Setup(setup));
        }
        // Sampled first: what came before this SETUP, a reset or a packet taken, is then seen to have come.
        let setup = self.usbd.event(map::events_ep0setup());
        if self.usbd.take_reset() {
            self.abort();
            self.forget_taken_packet();
            return Some(Event::Reset);
        }
        // A packet that was overtaken is not the answer that the host takes it for: not sent, but stale.
        let overtaken = matches!(self.state, State::Sending { overtaken: true, .. });
        if !overtaken && self.end().is_ok() {
            return Some(Event::Sent);
        }
        if !setup {
            return None;
        }
        self.abort();
        let aborted = self.state;
        if !self.take_back() {
            return None;
        }
        if let State::Aborted { stale, .. } = aborted
            && (self.usbd.event(map::events_ep0datadone()) || stale)
        {
            self.refuse_stale_answer();
            return None;
        }
        let setup = self.usbd.take_setup();
        if self.usbd.take_reset() {
            // The SETUP that was read may be of after the reset, and its event is cleared.
            self.usbd.setup = Some(setup);
            return Some(Event::Reset);
        }
        Some(Event::Setup(setup))
    }

    /// After a reset: a packet that was taken before it says nothing about what comes after.
    fn forget_taken_packet(&mut self) {
        self.usbd.write(map::events_ep0datadone(), 0);
        if let State::Aborted { stale, .. } = &mut self.state {
            // A SETUP is here already. If the packet was taken after it, that was forgotten just now.
            *stale = self.usbd.event(map::events_ep0setup());
        }
    }

    /// The host has fetched the packet of the transfer before as the answer to this SETUP: too early for us to take it
    /// out, but its status stage is not permitted yet. Refusing that makes the host ask again.
    fn refuse_stale_answer(&self) {
        self.usbd.write(map::events_ep0datadone(), 0);
        self.usbd.write(map::events_ep0setup(), 0);
        self.usbd.write(map::tasks_ep0stall(), map::tasks_ep0stall::TASK.mask());
    }

    /// Permits the status stage: the request without data is accepted.
    ///
    /// Not for SET_ADDRESS, which the hardware answers by itself.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Busy`] while a packet is on its way.
    pub fn accept(&mut self) -> Result<(), AnswerError> {
        self.trigger(map::tasks_ep0status())
    }

    /// Refuses the request: data and status stages are answered with STALL, until the next SETUP.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Busy`] while a packet is on its way.
    pub fn stall(&mut self) -> Result<(), AnswerError> {
        self.trigger(map::tasks_ep0stall())
    }

    fn trigger(&mut self, task: u16) -> Result<(), AnswerError> {
        if !self.take_back() {
            return Err(AnswerError::Busy);
        }
        self.usbd.write(task, 1);
        Ok(())
    }
}
