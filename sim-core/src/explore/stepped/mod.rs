//! No threads: a scheduler decides at every register access who goes on.
//!
//! The driver runs as it is. Before each of its register accesses the scheduler may let the others take steps: the
//! peripheral powers up, the engine moves a word or raises END, the host does a transaction. A run is a function of
//! the program and the scheduler's choices, so every failure has a string that replays it.
//!
//! # States are visited once
//!
//! A driver's local state is a function of what it has read. So (chip, memory's owners, clocks, what the driver read,
//! what the host was answered) identifies a state, and [`Exhaustive`](super::scheduler::Exhaustive) does not explore
//! one twice.
//!
//! A poll that repeats itself changes nothing: a register is read for the third time, and since the first nobody has
//! done anything that a register shows. There the CPU waits; the others must go on. If none can, and the driver still
//! polls, time passes: the host gives up what it waits for ([`HostError::Timeout`]), and its script may go on. A script
//! that ends with this error, and a run in which the host waits for nothing, is a [`Verdict::Deadlock`].
//!
//! A run of a million choices is taken for one without end: a [`Verdict::Livelock`]. If the others could have gone on
//! and never did, for half of the run, the schedule is one that no machine has, and the verdict
//! [`Verdict::Inconclusive`], unless a random one has no end either: a driver that writes while it polls is not known
//! to wait.
//!
//! # Faults on the wire
//!
//! With `Config::faults` the scheduler chooses, at each transaction of the host, whether one of them happens to it. An
//! exhaustive exploration has each of them everywhere, as often as the budget allows.
//!
//! # Interrupts
//!
//! A handler ([`Board::with_interrupt`](super::Board::with_interrupt)) runs nested, on the same stack, at a choice
//! point: it is one of those who can go on. Its register accesses are choice points in turn, and its runs are part of
//! what identifies a state; `interrupt` in this module says why that is enough.
//!
//! # Quirks
//!
//! With `Config::quirks` a posted write and a word that is late are among those who can go on. While a write is posted,
//! the fences are choice points, too: between a register write and the next access there may be nothing else.
//!
//! # Panics
//!
//! A program that panics is unwound on the chip as it is, and may catch its panic: a test of what destructors do. The
//! others go first while it unwinds, at each access, so that what a destructor waits for comes; nothing is chosen
//! there.
//!
//! # What a scheduler does not look at
//!
//! It says so before ([`Scheduler::asks_for_states`], [`Scheduler::lets_others_run`]). Without states, nobody keeps
//! what the driver has read. Where the others go on for as long as they can, the engine moves all words of a transfer
//! at once, if each access is ordered and no trace is kept: the choices that are noted, and what is found, are those of
//! the same run word by word.
//!
//! # Limits
//!
//! - A driver that *counts* its polls (a timeout in loops) is not a function of what it reads: schedules that differ
//!   only in the count are taken for one.
//! - A driver that waits for a byte of simulated RAM to change ([`Board::load`](super::Board::load)) does not end: that
//!   is not taken for a poll.
//! - A channel that sends for ever goes on for ever. While the CPU does not wait, it goes round once and a half after
//!   each register write of the CPU, and its line is as slow as the peer: that is all that the CPU can tell apart. Of
//!   several, all together do.
//! - A handler runs at register accesses, fences, and the calls of [`Board`](super::Board). A main program that waits
//!   for the handler without any of them waits for ever.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use system::{Ended, Remains, System};

use super::replay::{Recording, ReplayError};
use super::scheduler::{Replay, Scheduler};
use super::{ProgramOn, Stopped, Verdict, quiet, quietly};
use crate::host::HostError;
use crate::monitor::Violation;
use crate::soc::Soc;
use crate::trace::{Keep, Trace};

mod bus;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod by_address;
mod choice;
mod exploration;
mod history;
mod host;
mod interrupt;
mod poll;
mod sides;
mod system;

pub use bus::Bus;
pub use exploration::{Exploration, Limit, Limits, Unexplored, explore, explore_with};

/// One run.
///
/// A failure is run again by its string, and shown:
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::stepped::{self, Limits};
/// # use sim_core::machine::{Fences, Strength};
/// # use sim_core::trace::timeline;
/// let fences = Fences { end: Strength::None, ..Fences::default() };
/// let program = BackToBack { packets: 2, length: 2, fences };
/// let verdict = stepped::explore(&program, Limits::default()).verdict;
/// let recording = verdict.replay().expect("it is a race").parse().expect("it is a replay string");
/// let run = stepped::replay(&program, &recording).expect("it is the same program");
/// assert_eq!(run.verdict.kind(), verdict.kind());
/// assert!(timeline::render(&run.trace).contains("!! Race"));
/// ```
#[derive(Debug)]
pub struct Run {
    /// How it ended. `Sound` with one execution, complete, if nothing was found.
    pub verdict: Verdict,
    /// The options taken, for [`Recording`].
    pub choices: Vec<u8>,
    /// What happened, as far as `Config::keep` says.
    pub trace: Trace,
    /// All violations that were noted. One of them may have ended the run: it is the verdict.
    pub violations: Vec<Violation>,
}

/// Runs `program` once, as `scheduler` decides. `keep` overrides what the program's configuration says.
///
/// ```
/// # use std::cell::RefCell;
/// # use std::rc::Rc;
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::{Kind, scheduler::Seeded, stepped};
/// # use sim_core::machine::Fences;
/// # use sim_core::trace::Keep;
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(7))), Some(Keep::Order));
/// assert_eq!(run.verdict.kind(), Kind::Sound);
/// assert!(!run.trace.entries().is_empty());
/// ```
pub fn run<P: ProgramOn<Bus>>(
    program: &P,
    scheduler: &Rc<RefCell<impl Scheduler + 'static>>,
    keep: Option<Keep>,
) -> Run {
    run_once(program, scheduler, keep).0
}

/// As [`run`]; and whether the firmware has used the board at all.
fn run_once<P: ProgramOn<Bus>>(
    program: &P,
    scheduler: &Rc<RefCell<impl Scheduler + 'static>>,
    keep: Option<Keep>,
) -> (Run, bool) {
    let mut config = program.config();
    config.keep = keep.unwrap_or(config.keep);
    let mut soc = Soc::new(config);
    program.prepare(&mut soc);
    let system = Rc::new(System::new(soc, config.faults, scheduler.clone()));
    let result = quietly(|| {
        system.begin_host(program.host(bus::host(&system)));
        program.firmware(Bus::new(&system));
        system.wind_up();
    });
    let Remains { choices, host, trace, violations, stop, is_aftermath, is_used } = system.take();
    // A panic that nobody has caught is the verdict, whatever its destructors did.
    let is_panic = result.as_ref().is_err_and(|payload| !payload.is::<Stopped>() && !payload.is::<Ended>());
    let stop = stop.filter(|_| !(is_panic && is_aftermath));
    let replay = || Recording { program: program.name(), choices: choices.clone() }.to_string();
    let verdict = match stop {
        Some(violation) => Verdict::found(Violation { replay: Some(replay()), ..violation }, 1),
        None => judge(result, host, replay),
    };
    (Run { verdict, choices, trace, violations }, is_used)
}

/// The verdict of a run that no violation has ended.
fn judge(
    result: Result<(), Box<dyn Any + Send>>,
    host: Option<Result<(), HostError>>,
    replay: impl FnOnce() -> String,
) -> Verdict {
    let executions = 1;
    let payload = match (result, host) {
        (Ok(()), None | Some(Ok(()))) => return Verdict::Sound { executions, complete: 1 },
        (Ok(()), Some(Err(error))) if error.is_timeout() => {
            return Verdict::Deadlock { message: error.to_string(), replay: Some(replay()), executions };
        }
        (Ok(()), Some(Err(error))) => {
            return Verdict::Assertion { message: format!("the host: {error}"), replay: Some(replay()), executions };
        }
        (Err(payload), _) => payload,
    };
    let replay = Some(replay());
    match payload.downcast::<Ended>().map(|ended| *ended) {
        Ok(Ended::Deadlock(message)) => Verdict::Deadlock { message, replay, executions },
        Ok(Ended::Livelock(message)) => Verdict::Livelock { message, executions },
        Ok(Ended::Starved(message)) => Verdict::Inconclusive { message, executions },
        Err(payload) => Verdict::Assertion { message: quiet::message(&*payload), replay, executions },
    }
}

/// Runs `program` again, by the choices of a replay string, and keeps the trace.
///
/// See [`Run`] for an example.
///
/// # Errors
///
/// [`ReplayError::OtherProgram`], and [`ReplayError::Diverged`] if the program does not come by these choices.
pub fn replay<P: ProgramOn<Bus>>(program: &P, recording: &Recording) -> Result<Run, ReplayError> {
    let choices = recording.choices_of(&program.name())?;
    let scheduler = Rc::new(RefCell::new(Replay::new(choices)));
    let run = run(program, &scheduler, Some(Keep::Order));
    if scheduler.borrow().was_faithful() { Ok(run) } else { Err(ReplayError::Diverged(program.name())) }
}

#[cfg(test)]
mod tests;
