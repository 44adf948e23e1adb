//! No threads: a scheduler decides at every register access who goes on.
//!
//! The driver runs as it is. Before each of its register accesses the scheduler may let the others take steps: the
//! peripheral powers up, the engine moves a word or raises END, the host does a transaction. A run is a function of
//! the program and the scheduler's choices, so every failure has a string that replays it.
//!
//! # States are visited once
//!
//! A driver's local state is a function of what it has read. So (chip, memory's owners, clocks, what the driver read,
//! what the host was answered) identifies a state, and [`Exhaustive`] does not explore one twice.
//!
//! A poll that repeats itself changes nothing: a register is read for the third time, and since the first nobody has
//! done anything that a register shows. There the CPU waits; the others must go on. If none can, and the driver still
//! polls, the run is a [`Verdict::Deadlock`].
//!
//! # Limits
//!
//! - A driver that *counts* its polls (a timeout in loops) is not a function of what it reads: schedules that differ
//!   only in the count are taken for one.
//! - Interrupts are not modelled: the driver polls.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{Location, resume_unwind};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::registers::Registers;

use super::replay::{Recording, ReplayError};
use super::scheduler::{Choice, Exhaustive, Replay, Scheduler};
use super::{Board, Program, Verdict, quiet, quietly};
use crate::device::usbd::{Answer, name_of};
use crate::host::{Host, HostError, Script, Step, Wire};
use crate::monitor::Violation;
use crate::soc::Soc;
use crate::trace::{Keep, Trace};

/// The longest run, in choices: more is taken for a run without end.
const CHOICES: usize = 1_000_000;

/// How often a register is read, with nothing changed, before it counts as a poll that may as well wait.
const PATIENCE: u32 = 2;

/// How often a register is read, with nothing changed and nobody to change it, before it counts as waiting forever.
const FOREVER: u32 = 100;

/// What stands for "is the host done" among the registers that the driver has read.
const HOST_IS_DONE: u16 = u16::MAX;

/// How a run ended before its end.
enum Ended {
    Violation(Box<Violation>),
    Deadlock(String),
    TooLong,
}

/// One of those who go on when the CPU does not.
#[derive(Clone, Copy)]
enum Other {
    Power,
    Engine,
    Host,
}

#[derive(Default)]
struct HostSide {
    script: Option<Script>,
    wants: Option<Step>,
    outcome: Option<Result<(), HostError>>,
    history: u64,
}

/// How often each register was read since the last change that a register shows.
#[derive(Default)]
struct Polled {
    change: u64,
    counts: Vec<(u16, u32)>,
}

struct System {
    soc: RefCell<Soc>,
    scheduler: Rc<RefCell<dyn Scheduler>>,
    choices: RefCell<Vec<u8>>,
    host: RefCell<HostSide>,
    host_turn: Cell<bool>,
    /// What the driver has read and written, folded into a hash.
    history: Cell<u64>,
    polled: RefCell<Polled>,
}

fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl System {
    fn others(&self) -> Vec<Other> {
        let soc = self.soc.borrow();
        let mut others = Vec::with_capacity(3);
        if soc.usbd().is_powering_up() {
            others.push(Other::Power);
        }
        if soc.engine_is_busy() {
            others.push(Other::Engine);
        }
        if self.host.borrow().wants.as_ref().is_some_and(|step| can_go_on(&soc, step)) {
            others.push(Other::Host);
        }
        others
    }

    /// How often `offset` was read since the last change that a register shows.
    fn polls(&self, offset: u16) -> u32 {
        let polled = self.polled.borrow();
        let mut counts = polled.counts.iter().filter(|_| polled.change == self.change());
        counts.find(|(polled, _)| *polled == offset).map_or(0, |(_, count)| *count)
    }

    fn change(&self) -> u64 {
        self.soc.borrow().generation() + u64::from(self.host.borrow().outcome.is_some())
    }

    /// Lets the scheduler decide until the CPU goes on.
    fn choice_point(&self, access: Option<u16>) {
        loop {
            let others = self.others();
            let polls = access.map_or(0, |offset| self.polls(offset));
            let waits = polls >= PATIENCE;
            if others.is_empty() {
                if polls >= FOREVER {
                    end(Ended::Deadlock(self.who_waits(access)));
                }
                return;
            }
            let choice = Choice { options: others.len() + usize::from(!waits), cpu: !waits };
            let pick = self.choose(choice, access);
            if choice.cpu && pick == 0 {
                return;
            }
            self.step(others[pick - usize::from(choice.cpu)]);
        }
    }

    fn choose(&self, choice: Choice, access: Option<u16>) -> usize {
        if choice.options == 1 {
            return 0;
        }
        let state = || {
            let host = self.host.borrow();
            hash((&*self.soc.borrow(), &host.wants, host.history, self.history.get(), access, choice.cpu))
        };
        let pick = self.scheduler.borrow_mut().choose(choice, &state);
        let mut choices = self.choices.borrow_mut();
        choices.push(u8::try_from(pick).expect("there are four masters at most"));
        if choices.len() > CHOICES {
            end(Ended::TooLong);
        }
        pick
    }

    fn step(&self, other: Other) {
        match other {
            Other::Power => self.soc.borrow_mut().power_up_done(),
            Other::Engine => self.soc.borrow_mut().engine_step(),
            Other::Host => {
                self.host_turn.set(true);
                self.poll_host();
            }
        }
        self.stop_at_violation();
    }

    /// Runs the host's script until it wants its next turn.
    fn poll_host(&self) {
        let Some(mut script) = self.host.borrow_mut().script.take() else {
            return;
        };
        let outcome = script.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut host = self.host.borrow_mut();
        match outcome {
            Poll::Pending => host.script = Some(script),
            Poll::Ready(outcome) => {
                host.wants = None;
                host.outcome = Some(outcome);
            }
        }
    }

    fn stop_at_violation(&self) {
        let stop = self.soc.borrow().stop().cloned();
        if let Some(violation) = stop {
            end(Ended::Violation(Box::new(violation)));
        }
    }

    fn remember(&self, event: impl Hash) {
        self.history.set(hash((self.history.get(), event)));
    }

    /// The driver has read `value` from `offset`.
    fn has_read(&self, offset: u16, value: u32) {
        let change = self.change();
        let mut polled = self.polled.borrow_mut();
        if polled.change != change {
            *polled = Polled { change, counts: Vec::new() };
        }
        let count = match polled.counts.iter_mut().find(|(polled, _)| *polled == offset) {
            Some((_, count)) => count,
            None => {
                polled.counts.push((offset, 0));
                &mut polled.counts.last_mut().expect("pushed just now").1
            }
        };
        *count += 1;
        if *count <= PATIENCE {
            self.remember((offset, value));
        }
    }

    fn who_waits(&self, access: Option<u16>) -> String {
        let cpu = match access {
            Some(HOST_IS_DONE) => "the firmware waits for the host".to_owned(),
            Some(offset) => format!("the driver polls {}", name_of(offset)),
            None => "the firmware has returned".to_owned(),
        };
        let host = self.host.borrow();
        match (&host.outcome, &host.wants) {
            (Some(_), _) => format!("{cpu}; the host is done; the engine is idle"),
            (None, Some(Step::Reset)) => format!("{cpu}; the host waits for a device; the engine is idle"),
            (None, Some(Step::Transaction { token, .. })) => {
                format!("{cpu}; the host sends {token:?} and is answered NAK; the engine is idle")
            }
            (None, None) => format!("{cpu}; the host waits for nothing; the engine is idle"),
        }
    }

    /// The firmware has returned: the others go on for as long as they can.
    fn wind_up(&self) {
        loop {
            let others = self.others();
            if others.is_empty() {
                break;
            }
            let pick = self.choose(Choice { options: others.len(), cpu: false }, None);
            self.step(others[pick]);
        }
        if self.host.borrow().outcome.is_none() {
            end(Ended::Deadlock(self.who_waits(None)));
        }
    }
}

/// A host that was answered NAK tries again when the answer would be another.
fn can_go_on(soc: &Soc, step: &Step) -> bool {
    match step {
        Step::Reset => soc.usbd().is_connected(),
        Step::Transaction { address, endpoint, token, retry } => {
            !retry || soc.usbd().answer(*address, *endpoint, token) != Answer::Nak
        }
    }
}

/// Leaves the run, through the driver, without a message: the payload is the message.
fn end(ended: Ended) -> ! {
    resume_unwind(Box::new(ended))
}

/// The bus that firmware runs on.
#[derive(Clone)]
pub struct Bus(Rc<System>);

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stepped::Bus")
    }
}

impl Registers for Bus {
    fn read(&self, offset: u16) -> u32 {
        let line = Location::caller();
        self.0.choice_point(Some(offset));
        let value = self.0.soc.borrow_mut().cpu_read(offset, line);
        self.0.stop_at_violation();
        self.0.has_read(offset, value);
        value
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        let line = Location::caller();
        self.0.choice_point(None);
        self.0.soc.borrow_mut().cpu_write(offset, value, line);
        self.0.remember((offset, value, "written"));
        self.0.stop_at_violation();
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: driver and engine run on one thread, in program order. What
//   the fence is worth on the machine under test is judged by the monitor, not performed.
// - The address is the region's: the window that `Soc::release` opens.
unsafe impl DmaFence for Bus {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let line = Location::caller();
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.0.soc.borrow_mut().release(region, line) };
        self.0.stop_at_violation();
        address
    }

    unsafe fn acquire(&self, region: Region) {
        self.0.soc.borrow_mut().acquire(region, Location::caller());
        self.0.stop_at_violation();
    }
}

impl Board for Bus {
    fn host_is_done(&self) -> bool {
        self.0.choice_point(Some(HOST_IS_DONE));
        let done = self.0.host.borrow().outcome.is_some();
        self.0.has_read(HOST_IS_DONE, done.into());
        done
    }
}

struct SteppedWire(Weak<System>);

impl Wire for SteppedWire {
    fn poll_step(&self, step: &Step, _context: &mut Context<'_>) -> Poll<Result<Answer, HostError>> {
        let Some(system) = self.0.upgrade() else {
            return Poll::Pending;
        };
        if !system.host_turn.replace(false) {
            system.host.borrow_mut().wants = Some(step.clone());
            return Poll::Pending;
        }
        let answer = match step {
            Step::Reset => {
                system.soc.borrow_mut().bus_reset();
                Answer::Ack
            }
            Step::Transaction { address, endpoint, token, .. } => {
                system.soc.borrow_mut().transaction(*address, *endpoint, *token)
            }
        };
        let mut host = system.host.borrow_mut();
        host.history = hash((host.history, step, answer));
        Poll::Ready(Ok(answer))
    }
}

impl Bus {
    /// The system, to do to it what registers cannot: simulated RAM, a program's own fences.
    pub fn with_soc<T>(&self, f: impl FnOnce(&mut Soc) -> T) -> T {
        let result = f(&mut self.0.soc.borrow_mut());
        self.0.stop_at_violation();
        result
    }
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// How it ended. `Sound` with one execution, complete, if nothing was found.
    pub verdict: Verdict,
    /// The options taken, for [`Recording`].
    pub choices: Vec<u8>,
    /// What happened, as far as `Config::keep` says.
    pub trace: Trace,
    /// All violations, of which the first has ended the run unless the policy is to collect.
    pub violations: Vec<Violation>,
}

/// Runs `program` once, as `scheduler` decides. `keep` overrides what the program's configuration says.
pub fn run<P: Program>(program: &P, scheduler: &Rc<RefCell<impl Scheduler + 'static>>, keep: Option<Keep>) -> Run {
    let mut config = program.config();
    config.keep = keep.unwrap_or(config.keep);
    let mut soc = Soc::new(config);
    program.prepare(&mut soc);
    let system = Rc::new(System {
        soc: RefCell::new(soc),
        scheduler: scheduler.clone(),
        choices: RefCell::default(),
        host: RefCell::default(),
        host_turn: Cell::new(false),
        history: Cell::new(0),
        polled: RefCell::default(),
    });
    let result = quietly(|| {
        let host = Host::new(Rc::new(SteppedWire(Rc::downgrade(&system))));
        system.host.borrow_mut().script = Some(program.host(host));
        system.poll_host();
        program.firmware(Bus(system.clone()));
        system.wind_up();
    });
    let choices = system.choices.take();
    let replay = Recording { program: program.name(), choices: choices.clone() }.to_string();
    let outcome = system.host.borrow_mut().outcome.take();
    let verdict = judge(result, outcome, replay);
    // The script may hold the system's last handles; the system is empty once it is gone.
    drop(system.host.take());
    let soc = system.soc.replace(Soc::new(config));
    let (trace, violations) = soc.into_evidence();
    Run { verdict, choices, trace, violations }
}

fn judge(result: Result<(), Box<dyn Any + Send>>, host: Option<Result<(), HostError>>, replay: String) -> Verdict {
    let executions = 1;
    let replay = Some(replay);
    let payload = match (result, host) {
        (Ok(()), Some(Err(error))) => {
            return Verdict::Assertion { message: format!("the host: {error}"), replay, executions };
        }
        (Ok(()), _) => return Verdict::Sound { executions, complete: 1 },
        (Err(payload), _) => payload,
    };
    match payload.downcast::<Ended>().map(|ended| *ended) {
        Ok(Ended::Violation(violation)) => Verdict::found(Violation { replay, ..*violation }, executions),
        Ok(Ended::Deadlock(message)) => Verdict::Deadlock { message, replay, executions },
        Ok(Ended::TooLong) => {
            Verdict::Inconclusive { message: format!("a run of more than {CHOICES} choices"), executions }
        }
        Err(payload) => Verdict::Assertion { message: quiet::message(&*payload), replay, executions },
    }
}

/// How much an exploration may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Schedules, at most.
    pub schedules: u64,
    /// Time, at most.
    pub time: Duration,
}

impl Default for Limits {
    /// A million schedules, a minute.
    fn default() -> Self {
        Self { schedules: 1_000_000, time: Duration::from_secs(60) }
    }
}

/// What [`explore`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploration {
    /// What was found. `complete` counts the schedules that were not cut off.
    pub verdict: Verdict,
    /// How many distinct states had a choice to make.
    pub states: usize,
    /// How many schedules came back to a state that was explored before, and were cut off.
    pub cut: u64,
}

/// Runs `program` on every schedule, until one fails or a limit is hit.
pub fn explore<P: Program>(program: &P, limits: Limits) -> Exploration {
    let started = Instant::now();
    let scheduler = Rc::new(RefCell::new(Exhaustive::new()));
    let (mut executions, mut cut) = (0, 0);
    let verdict = loop {
        let run = run(program, &scheduler, Some(Keep::Nothing));
        executions += 1;
        cut += u64::from(scheduler.borrow().was_cut());
        match run.verdict {
            Verdict::Sound { .. } => {}
            failure => break failure.after(executions),
        }
        if !scheduler.borrow_mut().advance() {
            let complete = executions - cut;
            break Verdict::Sound { executions, complete };
        }
        if executions >= limits.schedules || started.elapsed() >= limits.time {
            let message = format!("the limit of {} schedules or {:?} was hit", limits.schedules, limits.time);
            break Verdict::Inconclusive { message, executions };
        }
    };
    let states = scheduler.borrow().states();
    Exploration { verdict, states, cut }
}

/// Runs `program` again, by the choices of a replay string, and keeps the trace.
///
/// # Errors
///
/// [`ReplayError::OtherProgram`], and [`ReplayError::Diverged`] if the program does not come by these choices.
pub fn replay<P: Program>(program: &P, recording: &Recording) -> Result<Run, ReplayError> {
    let choices = recording.choices_of(&program.name())?;
    let scheduler = Rc::new(RefCell::new(Replay::new(choices)));
    let run = run(program, &scheduler, Some(Keep::Order));
    if scheduler.borrow().was_faithful() { Ok(run) } else { Err(ReplayError::Diverged(program.name())) }
}
