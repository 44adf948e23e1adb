//! When the handler runs: an option of the scheduler, at choice points.
//!
//! Where the line is asserted and the handler can run, it is one of those who can go on, and stands before all others.
//! So a scheduler that lets the others run first has it run at once, and an exhaustive one has it run at each choice
//! point from there on. A main program that waits (polls in vain, sleeps) leaves no other choice in the end: what is
//! asserted is served. Two restrictions, both of the CPU:
//!
//! - after a run that leaves the line asserted, the main program does not go on: the handler is next, or another
//!   master;
//! - a sleeping CPU wakes into the handler.
//!
//! # Storms
//!
//! A handler that has come back twice to the same system and left it the same is taken for a poll that waits: the
//! others must go on. If there are none, and it goes on running, that is
//! [`Rule::InterruptStorm`](crate::monitor::Rule).
//!
//! # What it adds to a state
//!
//! A CPU's local state (of main program, handler and what they share) is a function of what it has read, *and where the
//! handler came in between*. So entries and exits are part of the history, and an entry holds the position that it has
//! interrupted. A round of reads that repeats itself is folded within one side only: [`History`] begins anew at each
//! switch. That is sound because nothing is left out that the unfolded sequence would distinguish, but for the polls
//! that the module says are taken for waiting. (`tests/interrupts.rs` compares: the outcomes with memory of states are
//! those without.)
//!
//! A checkpoint *in the handler* replaces the part of the history that the handler and what it shares depend on; the
//! main program's part stays, up to the moment when it was interrupted. If the handler runs several times before the
//! main program goes on, that part is the same for all: it has learned nothing in between. What the main program has
//! taken from shared memory before is in its part, since the handler's earlier runs are.
//!
//! An interrupt may come just before the CPU falls asleep, after the main program's last look: it is served, and the
//! CPU sleeps all the same. Only a program that looks and sleeps in one critical section does not lose it.
//!
//! Between two register accesses the CPU changes its own memory, and what it shares with the handler is part of that.
//! So there are choice points where a main program can be interrupted with an effect that a register access does not
//! have: around a critical section, which is where it looks at shared memory, and at both fences. That a section was
//! passed is part of the history, as a read that gives 0; so a loop that waits for shared memory to change is a poll
//! like any other. Nothing of this is there without a handler.

use std::panic::Location;

use super::history::History;
use super::poll::{POLLS_BEFORE_WAITING, POLLS_WITHOUT_HOPE, Poll};
use super::system::{Ended, Position, System};
use crate::explore::interrupt::SLEEPING_HANDLER;
use crate::hash::hash;
use crate::trace::Record;

/// What stands for sleep among the registers that the driver has read.
pub(super) const SLEEP: u32 = u32::MAX - 1;

/// The moment before the CPU falls asleep, likewise: an interrupt that comes here does not wake it.
pub(super) const BEFORE_SLEEP: u32 = u32::MAX - 4;

/// The beginning of a critical section, likewise.
pub(super) const MASK: u32 = u32::MAX - 2;

/// The end of a critical section, likewise.
pub(super) const UNMASK: u32 = u32::MAX - 3;

/// The handler's runs at one choice point, with the line asserted all the time.
#[derive(Default)]
pub(super) struct Chain {
    /// How often it has run, since the line was asserted or another master has gone on.
    runs: u32,
    /// How often it has found the system in the state that it found it in before.
    fruitless: u32,
    state: Option<u64>,
    has_run: bool,
}

impl Chain {
    /// Whether the handler has run, and the line is asserted still.
    pub fn is_open(&self) -> bool {
        self.state.is_some()
    }

    /// Whether the handler has run at this choice point.
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    /// Whether another run changes nothing.
    pub fn is_fruitless(&self) -> bool {
        self.fruitless >= POLLS_BEFORE_WAITING
    }

    /// The line is not asserted.
    pub fn close(&mut self) {
        *self = Self { has_run: self.has_run, ..Self::default() };
    }

    /// Another master has gone on.
    pub fn interrupted(&mut self) {
        (self.runs, self.fruitless) = (0, 0);
    }
}

impl System {
    /// Whether the handler is due: it can run, and the line is asserted.
    #[inline]
    pub fn is_handler_due(&self) -> bool {
        self.interrupts.can_run() && self.soc.borrow().interrupt()
    }

    /// Whether the CPU sleeps at `position`, and nothing wakes it.
    #[inline]
    pub fn is_asleep(&self, position: Position) -> bool {
        let woken = || self.soc.borrow().interrupt() || self.host.borrow().outcome.is_some();
        position.is_sleep() && !woken()
    }

    /// Runs the handler in the middle of what the CPU does at `position`.
    #[track_caller]
    pub fn interrupt(&self, position: Position, chain: &mut Chain) {
        if chain.runs >= POLLS_WITHOUT_HOPE {
            let times = format!("{} times in a row", chain.runs);
            let (storm, site) = self.interrupts.storm(&self.soc.borrow(), &times);
            let what = storm.what.clone();
            self.soc.borrow_mut().report(Some(storm), site);
            self.stop_at_violation();
            self.end(Ended::Deadlock(what));
        }
        let state = hash(&*self.soc.borrow());
        chain.fruitless = if chain.state == Some(state) { chain.fruitless + 1 } else { 0 };
        chain.state = Some(state);
        chain.runs += 1;
        chain.has_run = true;
        self.history.borrow_mut().enter(position);
        self.soc.borrow_mut().note(Record::Handler { running: true });
        self.interrupts.run();
        self.soc.borrow_mut().note(Record::Handler { running: false });
        self.history.borrow_mut().leave();
    }

    /// The CPU comes to the begin or the end of a critical section.
    #[track_caller]
    pub fn pass(&self, edge: u32, line: &'static Location<'static>) {
        if self.interrupts.can_run() {
            let poll = Poll::new(edge, line);
            self.choice_point(Position::Read(poll));
            self.has_read(poll, 0);
        }
    }

    /// The CPU comes to a fence. What it has written before may take effect after it, or before.
    #[track_caller]
    pub fn pass_fence(&self, line: &'static Location<'static>) {
        let is_posted = self.soc.borrow().posted().next().is_some();
        if is_posted || self.interrupts.can_run() {
            self.choice_point(Position::Fence(line));
            self.history.borrow_mut().mark(hash(line));
        }
    }

    /// The CPU sleeps until it is woken.
    #[track_caller]
    pub fn sleep(&self, line: &'static Location<'static>) {
        if self.interrupts.is_running() {
            self.end(Ended::Deadlock(SLEEPING_HANDLER.to_owned()));
        }
        self.pass(BEFORE_SLEEP, line);
        let poll = Poll::new(SLEEP, line);
        self.soc.borrow_mut().note(Record::Sleep { asleep: true });
        self.choice_point(Position::Read(poll));
        self.soc.borrow_mut().note(Record::Sleep { asleep: false });
        self.has_read(poll, 0);
    }
}

impl History {
    /// The handler comes in, at `position`.
    fn enter(&mut self, position: Position) {
        let has_gone_on = !self.reads.is_empty() || self.left != Some(self.past);
        self.mark(hash(position));
        if has_gone_on {
            self.main = self.past;
        }
        self.interrupted = Some(hash((self.main, position)));
    }

    /// The handler has returned.
    fn leave(&mut self) {
        self.mark(0);
        self.left = Some(self.past);
        self.interrupted = None;
    }

    /// Something happens that is no read.
    pub fn mark(&mut self, what: u64) {
        self.past = hash((self.past, &self.reads, what));
        self.reads.clear();
    }

    /// All that is known is in `local`, but for what the handler has interrupted.
    pub fn forget(&mut self, local: u64) {
        self.past = self.interrupted.map_or(local, |interrupted| hash((interrupted, local)));
        self.reads.clear();
    }
}
