//! What may be the case: the endpoint's state, and what the chip has for it.

use std::collections::BTreeSet;

use crate::conversation::HostEvent;

/// The states of the table in `dma-api/src/nrf52840/usbd/ep0in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The buffer is the CPU's.
    Idle,
    /// The buffer is the DMA's, or the packet waits for the host.
    Sending {
        /// The host has taken the packet.
        taken: bool,
        /// A SETUP was seen to wait before the packet was taken: the host may take it as the answer to that.
        overtaken: bool,
    },
    /// The buffer is the DMA's until the transfer ends.
    Aborted {
        /// The host has taken the packet.
        taken: bool,
        /// A reset was reported while a SETUP waited: the host may have taken the packet in answer to that.
        stale: bool,
    },
}

/// What may be the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct World {
    /// The endpoint's state.
    pub phase: Phase,
    /// A bus reset waits to be noticed.
    pub reset: bool,
    /// SETUPs that the host has sent.
    pub sent: usize,
    /// The last SETUP that the endpoint has dealt with. What was sent before it was overtaken.
    pub read: usize,
    /// A SETUP that was read together with a reset, which is reported first.
    pub held: Option<usize>,
    /// The call has refused a SETUP with STALL.
    pub refused: bool,
}

/// A world at a moment of a call: what the host does during the call has happened up to this position.
pub type Moment = (World, usize);

impl World {
    /// An endpoint just made, on a chip to which nothing has happened.
    pub fn new() -> Self {
        Self { phase: Phase::Idle, reset: false, sent: 0, read: 0, held: None, refused: false }
    }

    /// The host does these things.
    pub fn absorb(mut self, events: &[HostEvent]) -> Self {
        for event in events {
            match (event, &mut self.phase) {
                (HostEvent::Reset, _) => self.reset = true,
                (HostEvent::Setup, _) => self.sent += 1,
                (HostEvent::Taken, Phase::Sending { taken, .. } | Phase::Aborted { taken, .. }) => *taken = true,
                (HostEvent::Taken, Phase::Idle) => {}
            }
        }
        self
    }

    /// The same in another state.
    pub fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// Whether a SETUP waits to be noticed.
    pub fn has_setup(&self) -> bool {
        self.sent > self.read
    }

    /// `abort`.
    pub fn aborted(self) -> Self {
        match self.phase {
            Phase::Sending { taken, .. } => self.with(Phase::Aborted { taken, stale: false }),
            Phase::Idle | Phase::Aborted { .. } => self,
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Every moment from `now` to the end of the call: the host may have done some of what it does, or all.
pub fn later(now: impl IntoIterator<Item = Moment>, during: &[HostEvent]) -> BTreeSet<Moment> {
    let mut moments = BTreeSet::new();
    for (world, position) in now {
        moments.extend((position..=during.len()).map(|next| (world.absorb(&during[position..next]), next)));
    }
    moments
}
