//! A choice point: who can go on, who does.

use std::iter::repeat_n;

use super::history::History;
use super::host::{Turn, can_go_on};
use super::interrupt::Chain;
use super::poll::{POLLS_BEFORE_WAITING, POLLS_WITHOUT_HOPE};
use super::system::{Ended, Position, System};
use crate::explore::scheduler::{Choice, Other, Others, WHIMS};
use crate::hash::hash;
use crate::host::fault::Course;
use crate::host::serial::Serial;
use crate::host::{Faults, Step};
use crate::soc::Soc;

/// How many accesses the driver makes, with nobody else to do anything, before it counts as waiting forever: it may
/// write while it waits, and then something changes all the time.
const ACCESSES_WITHOUT_HOPE: u32 = 100_000;

impl System {
    fn others(&self) -> Others {
        let soc = self.soc.borrow();
        let mut others = if self.is_plain { Others::NOBODY } else { others_besides(&soc) };
        if soc.usbd().is_powering_up() {
            others.insert(Other::Power);
        }
        if soc.engine_is_busy() {
            others.insert(Other::Engine);
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

    /// Lets the scheduler decide until the CPU goes on.
    #[track_caller]
    pub fn choice_point(&self, position: Position) {
        self.is_used.set(true);
        if !self.goes_on_alone(position) {
            self.choose_until_cpu_goes_on(position);
        }
    }

    /// Goes on if nobody else can, and the CPU does not wait for anybody: so it is before most accesses.
    #[inline]
    fn goes_on_alone(&self, position: Position) -> bool {
        let alone = self.alone.get();
        if alone >= ACCESSES_WITHOUT_HOPE || self.is_handler_due() || !self.others().is_empty() {
            return false;
        }
        if let Position::Read(poll) = position
            && (self.is_asleep(position) || self.polls(poll) >= POLLS_WITHOUT_HOPE)
        {
            return false;
        }
        self.alone.set(alone + 1);
        true
    }

    #[track_caller]
    fn choose_until_cpu_goes_on(&self, position: Position) {
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
        self.keep_choices(choice, pick, moved);
        while self.soc.borrow().words_left() > 0 {
            self.step(Other::Engine);
            self.stop_at_violation();
            self.keep_choices(choice, pick, 1);
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
        self.keep_choices(choice, pick, 1);
        pick
    }

    /// `pick` was taken so many times, if there was something to choose.
    #[inline]
    fn keep_choices(&self, choice: Choice, pick: usize, times: usize) {
        if choice.options == 1 {
            return;
        }
        let pick = u8::try_from(pick).expect("there are a few masters, a handler, and a few faults");
        self.choices.borrow_mut().extend(repeat_n(pick, times));
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

/// Those that a plain system has not: see [`Soc::is_plain`].
fn others_besides(soc: &Soc) -> Others {
    let mut others = Others::NOBODY;
    others.extend(soc.posted().map(Other::Posted).chain(soc.late_steps().map(Other::Late)));
    if soc.power().is_modelled() {
        others.extend(soc.supply_steps().map(Other::Supply));
    }
    if soc.stm32f103().is_some() {
        others.extend(soc.dma_steps().map(Other::Dma).chain(soc.wire_steps().map(Other::Wire)));
    }
    if soc.is_cached() {
        let whims = soc.whims().len().min(WHIMS);
        others.extend((0..).take(whims).map(Other::Cache));
    }
    others
}
