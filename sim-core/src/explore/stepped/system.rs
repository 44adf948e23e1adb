//! The system under a scheduler: who can go on, who does, who waits.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;

use dma_api::address::BusAddress;

use super::history::History;
use super::host::{HostSide, Turn, can_go_on};
use super::interrupt::{Chain, SLEEP};
use super::sides::Pace;
use crate::explore::interrupt::Interrupts;
use crate::explore::scheduler::{Choice, Other, Others, Scheduler, WHIMS};
use crate::explore::unwind;
use crate::hash::hash;
use crate::host::fault::Course;
use crate::host::serial::Serial;
use crate::host::{Faults, HostError, Step};
use crate::monitor::Violation;
use crate::soc::{Config, Soc};
use crate::trace::Trace;

/// How often a register is read, with nothing changed, before it counts as a poll that may as well wait.
pub(super) const POLLS_BEFORE_WAITING: u32 = 2;

/// How often a register is read, with nothing changed and nobody to change it, before it counts as waiting forever.
pub(super) const POLLS_WITHOUT_HOPE: u32 = 100;

/// How many accesses the driver makes, with nobody else to do anything, before it counts as waiting forever: it may
/// write while it waits, and then something changes all the time.
const ACCESSES_WITHOUT_HOPE: u32 = 100_000;

/// How many accesses destructors make while the program unwinds, before they count as waiting forever.
const ACCESSES_WHILE_UNWINDING: u32 = 10_000;

/// What stands for "is the host done" among the registers that the driver has read.
pub(super) const HOST_IS_DONE: u32 = u32::MAX;

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

/// How often each register was read since the last change that a register shows.
#[derive(Default)]
struct Polled {
    change: u64,
    counts: Vec<(Poll, u32)>,
}

/// Driver, chip, engine and host, on one thread.
pub(super) struct System {
    pub soc: RefCell<Soc>,
    scheduler: Rc<RefCell<dyn Scheduler>>,
    pub choices: RefCell<Vec<u8>>,
    pub host: RefCell<HostSide>,
    pub host_turn: RefCell<Option<Turn>>,
    pub interrupts: Interrupts,
    pub history: RefCell<History>,
    polled: RefCell<Polled>,
    /// How many accesses the driver has made since somebody else could go on.
    alone: Cell<u32>,
    /// How many accesses the driver has made while it unwound.
    unwinding: Cell<u32>,
    /// It has DMA channels, which may send for ever.
    has_channels: bool,
    /// How many steps those have taken since the CPU has written a register.
    items: Cell<u32>,
    /// The firmware has used the board.
    is_used: Cell<bool>,
    pub pace: Cell<Pace>,
}

impl System {
    pub fn new(soc: Soc, faults: Faults, scheduler: Rc<RefCell<dyn Scheduler>>) -> Self {
        let history = History { is_off: !scheduler.borrow().asks_for_states(), ..History::default() };
        Self {
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

    fn others(&self) -> Others {
        let soc = self.soc.borrow();
        let mut others = Others::default();
        others.extend(soc.posted().map(Other::Posted).chain(soc.late_steps().map(Other::Late)));
        if soc.usbd().is_powering_up() {
            others.insert(Other::Power);
        }
        if soc.power().is_modelled() {
            others.extend(soc.supply_steps().map(Other::Supply));
        }
        if soc.engine_is_busy() {
            others.insert(Other::Engine);
        }
        if soc.stm32f103().is_some() {
            others.extend(soc.dma_steps().map(Other::Dma).chain(soc.wire_steps().map(Other::Wire)));
        }
        if soc.is_cached() {
            let whims = soc.whims().len().min(WHIMS);
            others.extend((0..).take(whims).map(Other::Cache));
        }
        let host = self.host.borrow();
        if let Some(step) = host.wants.as_ref().filter(|step| can_go_on(&soc, step)) {
            others.insert(Other::Host(Course::AsTold));
            if host.faults != Faults::default() {
                others.extend(host.faults.courses(step).map(Other::Host));
            }
        }
        others
    }

    /// Those of `others` that can make a difference, where channels send for ever; all, if somebody waits for one of
    /// them, and there is no such.
    ///
    /// What the CPU can find, it can find by the time that these channels have gone round once and a half since a
    /// register was written; and where the peer is behind, or has had enough, more frames are only more of them. Other
    /// channels go on.
    fn that_matter(&self, others: Others, somebody_waits: bool) -> Others {
        let soc = self.soc.borrow();
        let laps = soc.laps_without_end();
        if laps == 0 {
            return others;
        }
        // An item is two steps.
        let have_gone_round = self.items.get() >= 3 * laps;
        let spare = |other: &Other| match *other {
            Other::Dma(controller) => have_gone_round && soc.is_next_without_end(controller),
            Other::Wire(usart) => self.is_behind(&soc, usart.into()),
            _ => false,
        };
        let mut left = Others::default();
        left.extend(others.iter().filter(|other| !spare(other)));
        if somebody_waits && left.is_empty() { others } else { left }
    }

    /// Whether the peer of a USART is behind with its frames, or has had enough.
    fn is_behind(&self, soc: &Soc, usart: usize) -> bool {
        let host = self.host.borrow();
        let wants_it =
            |step: &Step| matches!(step, Step::Serial { port, does: Serial::Receive } if port.index() == usart);
        host.has_heard[usart] && host.outcome.is_some()
            || host.wants.as_ref().is_some_and(wants_it) && soc.stm32f103().is_some_and(|chip| chip.has_sent(usart))
    }

    /// How often `poll` was done since the last change that a register shows.
    fn polls(&self, poll: Poll) -> u32 {
        let polled = self.polled.borrow();
        let mut counts = polled.counts.iter().filter(|_| polled.change == self.change());
        counts.find(|(polled, _)| *polled == poll).map_or(0, |(_, count)| *count)
    }

    fn change(&self) -> u64 {
        // A handler's run may change what a loop of the main program looks at besides registers.
        let switches = self.interrupts.switches();
        self.soc.borrow().generation() + switches + u64::from(self.host.borrow().outcome.is_some())
    }

    /// Lets the scheduler decide until the CPU goes on.
    #[track_caller]
    pub fn choice_point(&self, position: Position) {
        self.is_used.set(true);
        let mut chain = Chain::default();
        loop {
            let due = self.is_handler_due();
            if !due {
                chain.close();
                if position.is_sleep() && chain.has_run() {
                    return;
                }
            }
            let mut others = self.others();
            if due && (others.is_empty() || !chain.is_fruitless()) {
                others.insert(Other::Handler);
            }
            let polls = if let Position::Read(poll) = position { self.polls(poll) } else { 0 };
            let asleep = self.is_asleep(position);
            let waits = polls >= POLLS_BEFORE_WAITING || asleep || due && (chain.is_open() || position.is_sleep());
            if self.has_channels {
                others = self.that_matter(others, waits);
            }
            if others.is_empty() {
                let alone = self.alone.get();
                if !asleep && polls < POLLS_WITHOUT_HOPE && alone < ACCESSES_WITHOUT_HOPE {
                    return self.alone.set(alone + 1);
                }
                self.alone.set(0);
                if !self.let_host_give_up(position) {
                    self.end(Ended::Deadlock(self.who_waits(position)));
                }
                self.stop_at_violation();
                continue;
            }
            self.alone.set(0);
            let choice = Choice::new(!waits, others);
            let pick = self.choose(choice, position);
            self.keep_pace(choice, pick, position);
            if choice.cpu && pick == 0 {
                return;
            }
            match others.at(pick - usize::from(choice.cpu)) {
                Other::Handler => self.interrupt(position, &mut chain),
                Other::Engine if !due && self.runs_engine_at_once() => self.run_engine(choice, pick),
                other => {
                    chain.interrupted();
                    self.step(other);
                    self.stop_at_violation();
                }
            }
        }
    }

    fn runs_engine_at_once(&self) -> bool {
        self.scheduler.borrow().lets_others_run() && !self.soc.borrow().completes_early()
    }

    /// The engine moves word after word, up to its END. With this scheduler the choice before each step is the same as
    /// before the first, and nobody else goes on in between.
    #[track_caller]
    fn run_engine(&self, choice: Choice, pick: usize) {
        let moved = self.soc.borrow_mut().move_words();
        (0..moved).for_each(|_| self.keep_choice(choice, pick));
        while self.soc.borrow().words_left() > 0 {
            self.step(Other::Engine);
            self.stop_at_violation();
            self.keep_choice(choice, pick);
        }
        self.step(Other::Engine);
        self.stop_at_violation();
    }

    fn choose(&self, choice: Choice, position: Position) -> usize {
        if choice.options == 1 && !self.scheduler.borrow().is_asked_always() {
            return 0;
        }
        let state = || {
            let host = self.host.borrow();
            let History { past, reads, .. } = &*self.history.borrow();
            let cpu = (past, reads, position, choice, self.interrupts.mode(), self.items.get());
            hash((&*self.soc.borrow(), &host.wants, host.history, host.faults, cpu))
        };
        let mut scheduler = self.scheduler.borrow_mut();
        let pick = scheduler.choose(choice, &state);
        self.history.borrow_mut().is_off = !scheduler.asks_for_states();
        drop(scheduler);
        self.keep_choice(choice, pick);
        pick
    }

    /// `pick` was taken, if there was something to choose.
    #[inline]
    fn keep_choice(&self, choice: Choice, pick: usize) {
        if choice.options == 1 {
            return;
        }
        let pick = u8::try_from(pick).expect("there are a few masters, a handler, and a few faults");
        self.choices.borrow_mut().push(pick);
    }

    fn frame_arrives(&self, usart: u8) {
        let mut soc = self.soc.borrow_mut();
        soc.wire_step(usart);
        if self.host.borrow().outcome.is_some() && soc.laps_without_end() > 0 {
            // Nobody is there to take it, and there is no end of them.
            soc.serial_receive(usart.into());
        }
    }

    fn step(&self, other: Other) {
        match other {
            Other::Handler => unreachable!("the handler runs on the CPU"),
            Other::Posted(queue) => {
                self.items.set(0);
                self.soc.borrow_mut().take_effect(queue);
            }
            Other::Late(controller) => self.soc.borrow_mut().land(controller),
            Other::Power => self.soc.borrow_mut().power_up_done(),
            Other::Supply(step) => self.soc.borrow_mut().supply_step(step),
            Other::Engine => self.soc.borrow_mut().engine_step(),
            Other::Dma(controller) => {
                let mut soc = self.soc.borrow_mut();
                self.items.set(self.items.get() + u32::from(soc.is_next_without_end(controller)));
                soc.dma_step(controller);
            }
            Other::Wire(usart) => self.frame_arrives(usart),
            Other::Cache(whim) => {
                let mut soc = self.soc.borrow_mut();
                let whim = soc.whims()[usize::from(whim)];
                soc.have_whim(whim);
            }
            Other::Host(course) => {
                self.host.borrow_mut().faults.spend(course);
                self.give_turn(Turn::Taken(course));
            }
        }
    }

    /// An access while the program unwinds by a panic of its own, which it may catch: its destructors run on the chip as
    /// it is. Nobody chooses here, since a verdict cannot be unwound to: the others go first, as far as they can. `None`
    /// when the run is being left; a destructor that waits for ever is left, too.
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
        let stop = self.soc.borrow().stop().is_some();
        if stop && !std::thread::panicking() {
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
        let was_busy = self.soc.borrow().dma_is_busy();
        let mut soc = self.soc.borrow_mut();
        if !soc.post(register, value, line) {
            write(&mut soc);
        }
        drop(soc);
        self.items.set(0);
        self.history.borrow_mut().write(register, value);
        self.stop_at_violation();
        if !was_busy && self.soc.borrow().dma_is_busy() {
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

    /// Leaves the run, through the driver, without a message: the payload is the message. The driver's frames are about
    /// to go, and its buffers with them: nothing moves any more.
    pub fn end(&self, ended: Ended) -> ! {
        self.soc.borrow_mut().leave();
        resume_unwind(Box::new(ended))
    }

    /// The firmware has returned: the others go on for as long as they can, or until a violation ends the run.
    pub fn wind_up(&self) {
        while self.soc.borrow().stop().is_none() {
            let is_waiting = self.host.borrow().outcome.is_none();
            let others = self.others();
            let others = self.that_matter(others, is_waiting);
            if others.is_empty() {
                if is_waiting && self.let_host_give_up(Position::Returned) {
                    continue;
                }
                break;
            }
            let choice = Choice::new(false, others);
            let pick = self.choose(choice, Position::Returned);
            self.keep_pace(choice, pick, Position::Returned);
            self.step(others.at(pick));
        }
        if self.soc.borrow().stop().is_none() && self.host.borrow().outcome.is_none() {
            self.end(Ended::Deadlock(self.who_waits(Position::Returned)));
        }
    }
}
