//! Polls: a read that repeats itself, with nothing changed, may as well wait.

use std::panic::Location;

use super::system::System;

/// How often a register is read, with nothing changed, before it counts as a poll that may as well wait.
pub(super) const POLLS_BEFORE_WAITING: u32 = 2;

/// How often a register is read, with nothing changed and nobody to change it, before it counts as waiting forever.
pub(super) const POLLS_WITHOUT_HOPE: u32 = 100;

/// What stands for "is the host done" among the registers that the driver has read.
pub(super) const HOST_IS_DONE: u32 = u32::MAX;

/// A register, and the line that reads it: the same register read elsewhere is another poll.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Poll {
    /// Its address.
    pub register: u32,
    line: &'static Location<'static>,
}

impl Poll {
    pub fn new(register: u32, line: &'static Location<'static>) -> Self {
        Self { register, line }
    }
}

/// How often each register was read since the last change that a register shows.
#[derive(Default)]
pub(super) struct Polled {
    change: u64,
    counts: Vec<(Poll, u32)>,
}

impl System {
    /// How often `poll` was done since the last change that a register shows.
    #[inline]
    pub fn polls(&self, poll: Poll) -> u32 {
        let polled = self.polled.borrow();
        let mut counts = polled.counts.iter().filter(|_| polled.change == self.change());
        counts.find(|(polled, _)| *polled == poll).map_or(0, |(_, count)| *count)
    }

    #[inline]
    fn change(&self) -> u64 {
        // A handler's run may change what a loop of the main program looks at besides registers.
        let switches = self.interrupts.switches();
        self.soc.borrow().generation() + switches + u64::from(self.host.borrow().outcome.is_some())
    }

    /// The driver has read `value`.
    pub fn has_read(&self, poll: Poll, value: u32) {
        let change = self.change();
        let mut polled = self.polled.borrow_mut();
        if polled.change != change {
            polled.change = change;
            polled.counts.clear();
        }
        let count = match polled.counts.iter_mut().find(|(polled, _)| *polled == poll) {
            Some((_, count)) => count,
            None => {
                polled.counts.push((poll, 0));
                &mut polled.counts.last_mut().expect("pushed just now").1
            }
        };
        *count += 1;
        self.history.borrow_mut().read(poll.register, value);
    }
}
