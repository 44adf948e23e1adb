//! The system under a scheduler: what it is made of, and what the driver does to it.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;

use dma_api::address::BusAddress;

use super::history::History;
use super::host::{HostSide, Turn};
use super::interrupt::SLEEP;
use super::poll::{Poll, Polled};
use super::sides::Pace;
use crate::explore::interrupt::Interrupts;
use crate::explore::scheduler::Scheduler;
use crate::explore::unwind;
use crate::hash::hash;
use crate::host::{Faults, HostError};
use crate::monitor::Violation;
use crate::soc::{Config, Soc};
use crate::trace::Trace;

/// How many accesses destructors make while the program unwinds, before they count as waiting forever.
const ACCESSES_WHILE_UNWINDING: u32 = 10_000;

/// How a run ended before its end, but for a violation.
pub(super) enum Ended {
    /// Everybody waits.
    Deadlock(String),
    /// It does not end, whoever goes on.
    Livelock(String),
    /// It does not end on a schedule that never lets the others go on.
    Starved(String),
}

/// What is left of a run.
pub(super) struct Remains {
    pub choices: Vec<u8>,
    pub host: Option<Result<(), HostError>>,
    pub trace: Trace,
    pub violations: Vec<Violation>,
    /// The violation that has ended the run.
    pub stop: Option<Violation>,
    /// It came while the program unwound by a panic of its own.
    pub is_aftermath: bool,
    /// The firmware has used the board.
    pub is_used: bool,
}

/// Where the CPU is at a choice point.
#[derive(Clone, Copy, Hash)]
pub(super) enum Position {
    /// It is about to read.
    Read(Poll),
    /// It is about to write the register at this address.
    Write(u32),
    /// It has started a transfer just now.
    Started,
    /// It is about to lend a buffer, or to take one back.
    Fence(&'static Location<'static>),
    /// It is about to access simulated RAM.
    Memory(&'static Location<'static>),
    /// The firmware has returned.
    Returned,
}

impl Position {
    pub fn is_sleep(self) -> bool {
        matches!(self, Self::Read(Poll { register: SLEEP, .. }))
    }
}

/// Driver, chip, engine and host, on one thread.
pub(super) struct System {
    pub soc: RefCell<Soc>,
    pub scheduler: Rc<RefCell<dyn Scheduler>>,
    pub choices: RefCell<Vec<u8>>,
    pub host: RefCell<HostSide>,
    pub host_turn: RefCell<Option<Turn>>,
    pub interrupts: Interrupts,
    pub history: RefCell<History>,
    pub polled: RefCell<Polled>,
    /// How many accesses the driver has made since somebody else could go on.
    pub alone: Cell<u32>,
    /// How many accesses the driver has made while it unwound.
    unwinding: Cell<u32>,
    /// Nobody is there but controller, engine and host.
    pub is_plain: bool,
    /// It has DMA channels, which may send for ever.
    pub has_channels: bool,
    /// How many steps those have taken since the CPU has written a register.
    pub items: Cell<u32>,
    /// The firmware has used the board.
    pub is_used: Cell<bool>,
    pub pace: Cell<Pace>,
}

impl System {
    pub fn new(soc: Soc, faults: Faults, scheduler: Rc<RefCell<dyn Scheduler>>) -> Self {
        let history = History { is_off: !scheduler.borrow().asks_for_states(), ..History::default() };
        Self {
            is_plain: soc.is_plain(),
            has_channels: soc.stm32f103().is_some(),
            soc: RefCell::new(soc),
            scheduler,
            choices: RefCell::default(),
            host: RefCell::new(HostSide::new(faults)),
            host_turn: RefCell::default(),
            interrupts: Interrupts::default(),
            history: RefCell::new(history),
            polled: RefCell::default(),
            alone: Cell::default(),
            unwinding: Cell::default(),
            items: Cell::default(),
            is_used: Cell::default(),
            pace: Cell::default(),
        }
    }

    /// Takes what the run has left. The script goes first: it may hold handles to the system.
    pub fn take(&self) -> Remains {
        let HostSide { outcome, .. } = self.host.take();
        let soc = self.soc.replace(Soc::new(Config::default()));
        let stop = soc.stop().map(|(violation, _)| violation.clone());
        let is_aftermath = soc.is_broken_while_unwinding();
        let (trace, violations) = soc.into_evidence();
        let (choices, is_used) = (self.choices.take(), self.is_used.get());
        Remains { choices, host: outcome, trace, violations, stop, is_aftermath, is_used }
    }

    /// An access while the program unwinds by a panic of its own, which it may catch: its destructors run on the chip
    /// as it is. Nobody chooses here, since a verdict cannot be unwound to: the others go first, as far as they can.
    /// `None` when the run is being left; a destructor that waits for ever is left, too.
    pub fn while_unwinding<T>(&self, access: impl FnOnce(&mut Soc) -> T) -> Option<T> {
        let mut soc = self.soc.borrow_mut();
        self.unwinding.set(self.unwinding.get() + 1);
        if self.unwinding.get() > ACCESSES_WHILE_UNWINDING {
            soc.leave();
        }
        soc.let_dma_run();
        let result = soc.while_unwinding(access);
        let mut history = self.history.borrow_mut();
        if !history.is_off {
            history.mark(hash(&*soc));
        }
        result
    }

    /// Leaves the run if a violation has ended it.
    #[inline]
    #[track_caller]
    pub fn stop_at_violation(&self) {
        self.is_used.set(true);
        let is_stopped = self.soc.borrow().is_stopped();
        if is_stopped && !std::thread::panicking() {
            self.end_with_violation();
        }
    }

    #[cold]
    #[track_caller]
    fn end_with_violation(&self) {
        let stop = self.soc.borrow().stop().map(|(violation, policy)| (violation.clone(), policy));
        if let Some((violation, policy)) = stop {
            self.soc.borrow_mut().leave();
            unwind(&violation, policy);
        }
    }

    /// The driver has memory back that the DMA may have written: what it does next may depend on what is in it.
    pub fn has_received(&self) {
        let delivered = self.soc.borrow_mut().take_delivered();
        self.history.borrow_mut().mark(delivered);
    }

    /// The driver reads the register at this address, as `read` does.
    #[track_caller]
    pub fn read(&self, poll: Poll, read: impl FnOnce(&mut Soc) -> u32) -> u32 {
        self.choice_point(Position::Read(poll));
        if self.soc.borrow().has_posted_to(poll.register) {
            self.items.set(0);
        }
        let value = read(&mut self.soc.borrow_mut());
        self.stop_at_violation();
        self.has_read(poll, value);
        value
    }

    /// The driver writes `value` to the register at this address: as `write` does, or posted.
    #[track_caller]
    pub fn write(&self, register: u32, value: u32, line: &'static Location<'static>, write: impl FnOnce(&mut Soc)) {
        self.choice_point(Position::Write(register));
        let mut soc = self.soc.borrow_mut();
        let was_busy = soc.dma_is_busy();
        if !soc.post(register, value, line) {
            write(&mut soc);
        }
        let has_started = !was_busy && soc.dma_is_busy();
        drop(soc);
        self.items.set(0);
        self.history.borrow_mut().write(register, value);
        self.stop_at_violation();
        if has_started {
            // What the CPU does after a start, and before its next register access, may come too late.
            self.choice_point(Position::Started);
        }
    }

    /// The driver has read or written a byte of memory. It is never taken for a poll.
    pub fn has_touched(&self, address: BusAddress, value: u8, line: &'static Location<'static>) {
        let mut history = self.history.borrow_mut();
        if !history.is_off {
            history.mark(hash((address.get(), value, line)));
        }
    }

    /// All that the firmware knows is in `local`.
    pub fn checkpoint(&self, local: &dyn Debug) {
        let mut history = self.history.borrow_mut();
        if !history.is_off {
            history.forget(hash(format!("{local:?}")));
        }
    }

    /// Leaves the run, through the driver, without a message: the payload is the message. The driver's frames are about
    /// to go, and its buffers with them: nothing moves any more.
    pub fn end(&self, ended: Ended) -> ! {
        self.soc.borrow_mut().leave();
        resume_unwind(Box::new(ended))
    }
}
