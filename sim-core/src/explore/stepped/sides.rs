//! Where both sides are when a run does not end: who waits, who goes on.

use super::host::can_go_on;
use super::interrupt::{BEFORE_SLEEP, MASK, SLEEP, UNMASK};
use super::poll::{HOST_IS_DONE, Poll};
use super::system::{Ended, Position, System};
use crate::device::name_at;
use crate::explore::interrupt::sleeper;
use crate::explore::scheduler::Choice;
use crate::host::{Step, Transaction};

/// The longest run, in choices: more is taken for a run without end.
const CHOICES: usize = 1_000_000;

/// For how many choices in a row the others, who could go on, may not: longer is a schedule that no machine has.
/// (Others who go on for so long, and wait for the CPU never, have no end of their own.)
const STARVING: usize = CHOICES / 2;

/// How a run goes on.
#[derive(Clone, Copy, Default)]
pub(super) struct Pace {
    /// Steps in a row that nobody has chosen.
    unchosen: usize,
    /// How often the CPU was chosen in a row, where somebody else could have gone on.
    alone: usize,
}

impl System {
    /// `pick` was taken: ends a run that has no end.
    pub fn keep_pace(&self, choice: Choice, pick: usize, position: Position) {
        let Pace { unchosen, alone } = self.pace.get();
        let unchosen = if choice.options == 1 { unchosen + 1 } else { 0 };
        let alone = if choice.cpu && pick == 0 { alone + 1 } else { 0 };
        self.pace.set(Pace { unchosen, alone });
        if self.choices.borrow().len() > CHOICES || unchosen > CHOICES {
            self.end_without_end(position);
        }
    }

    #[cold]
    fn end_without_end(&self, position: Position) {
        let sides = self.who_goes_on(position);
        if self.pace.get().alone < STARVING {
            self.end(Ended::Livelock(format!("no end after {CHOICES} choices: {sides}")));
        }
        self.end(Ended::Starved(format!(
            "a run of more than {CHOICES} choices, on a schedule where the CPU went on all the time, and the others, who \
             could, never: {sides}"
        )));
    }

    /// Everybody waits.
    pub fn who_waits(&self, position: Position) -> String {
        format!("{}; {}; the engine is idle", self.cpu_waits(position), self.host_side())
    }

    fn who_goes_on(&self, position: Position) -> String {
        let soc = self.soc.borrow();
        let is_busy = soc.engine_is_busy() || soc.dma_steps().next().is_some();
        let engine = if is_busy { "the engine is at work" } else { "the engine is idle" };
        format!("{}; {}; {engine}", self.cpu_waits(position), self.host_side())
    }

    fn host_side(&self) -> String {
        let host = self.host.borrow();
        match (&host.outcome, &host.wants) {
            (Some(Err(error)), _) => format!("the host has given up: {error}"),
            (Some(Ok(())), _) => "the host is done".to_owned(),
            (None, None | Some(Step::Settle)) => "the host waits for nothing".to_owned(),
            (None, Some(step)) if can_go_on(&self.soc.borrow(), step) => format!("the host goes on, with {step:?}"),
            (None, Some(Step::Reset)) => "the host waits for a device".to_owned(),
            (None, Some(Step::WakeUp)) => "the host waits for a remote wake-up".to_owned(),
            (None, Some(Step::Transaction(Transaction { token, .. }))) => {
                format!("the host sends {token} and is answered NAK")
            }
            (None, Some(Step::Serial { port, .. })) => {
                format!("the peer of {port:?} waits for a frame, or to send one")
            }
            (None, Some(step)) => format!("the host waits, with {step:?}"),
        }
    }

    pub fn cpu_waits(&self, position: Position) -> String {
        let waits = match position {
            Position::Read(Poll { register: HOST_IS_DONE, .. }) => "the firmware waits for the host".to_owned(),
            Position::Read(Poll { register: SLEEP, .. }) => sleeper(&self.soc.borrow()),
            Position::Read(Poll { register: BEFORE_SLEEP, .. }) => "the firmware falls asleep".to_owned(),
            Position::Read(Poll { register: MASK | UNMASK, .. }) => {
                "the firmware goes through critical sections".to_owned()
            }
            Position::Read(Poll { register, .. }) => format!("the driver polls {}", name_at(register)),
            Position::Write(register) => format!("the driver writes {}", name_at(register)),
            Position::Started => "the driver has started a transfer".to_owned(),
            Position::Fence(_) => "the driver lends a buffer or takes one back".to_owned(),
            Position::Memory(_) => "the driver accesses a buffer".to_owned(),
            Position::Returned => "the firmware has returned".to_owned(),
        };
        if self.interrupts.is_running() { format!("in the interrupt handler, {waits}") } else { waits }
    }
}
