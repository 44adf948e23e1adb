//! One case on its schedule, judged: what the properties have in common.
//!
//! A [`Trial`] is a program with a name that says all of it but the schedule. What fails is printed as two lines: one
//! that replays this very run, and one that is the body of a test.

use std::cell::RefCell;
use std::fmt::{self, Display};
use std::rc::Rc;

use sim_core::explore::replay::{Recording, ReplayError};
use sim_core::explore::{Kind, Program, Verdict, stepped};
use sim_core::machine::{Fences, Machine, Strength};

use crate::pace::Paced;

/// A case of a property, as a program for one run.
pub trait Trial: Program + Sized {
    /// What is told of a run in which the property held.
    type Report;

    /// The module whose `hold` and `replay` run it.
    const MODULE: &'static str;

    /// What each name looks like.
    const FORM: &'static str;

    /// The seed of its schedule: who goes on when.
    fn schedule(&self) -> u32;

    /// The trial with this name, twin included, on this schedule. `None` if nothing has this name.
    fn by_name(name: &str, schedule: u32) -> Option<Self>;

    /// Judges a run.
    ///
    /// # Errors
    ///
    /// The verdict, if the property did not hold.
    fn judge(&self, verdict: Verdict) -> Result<Self::Report, Box<Verdict>>;
}

/// A run in which the property did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    module: &'static str,
    name: String,
    schedule: u32,
    verdict: Box<Verdict>,
}

impl Failure {
    /// What was found, without its evidence.
    pub fn kind(&self) -> Kind {
        self.verdict.kind()
    }

    /// The string for `replay`.
    pub fn replay(&self) -> Option<&str> {
        self.verdict.replay()
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, name, schedule, verdict } = self;
        match &**verdict {
            Verdict::Race(found) | Verdict::Violation(found) => {
                writeln!(f, "{}: {}, by {}", verdict.kind(), found.violation.misuse.what, found.violation.site)?;
            }
            Verdict::Assertion { message, .. } | Verdict::Deadlock { message, .. } => {
                writeln!(f, "{}: {message}", verdict.kind())?;
            }
            other => writeln!(f, "{other}")?,
        }
        if let Some(replay) = self.replay() {
            writeln!(f, "  this run:  {module}::replay({replay:?})")?;
        }
        write!(f, "  as a test: {module}::hold({name:?}, {schedule})")
    }
}

/// The name of a case, and of its twin, if it is one: what [`split_twin`] takes apart.
pub fn join_twin<T: Display>(case: &str, twin: Option<T>) -> String {
    twin.map_or_else(|| case.to_owned(), |twin| format!("{case}:{twin}"))
}

/// The twin that a name ends with, if any, and what comes before it.
pub fn split_twin<T: Copy + Display>(name: &str, twins: &[T]) -> (String, Option<T>) {
    for &twin in twins {
        if let Some(case) = name.strip_suffix(&format!(":{twin}")) {
            return (case.to_owned(), Some(twin));
        }
    }
    (name.to_owned(), None)
}

/// The fences that suffice on `machine`; if they are to be weak, those of a Cortex-M4 on a Cortex-M7.
pub fn fences(machine: Machine, are_weak: bool) -> Fences {
    if are_weak {
        Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Compiler }
    } else {
        Fences::right(machine)
    }
}

/// The trial with this name.
///
/// # Panics
///
/// If there is none.
pub fn expect<T: Trial>(name: &str, schedule: u32) -> T {
    T::by_name(name, schedule).unwrap_or_else(|| panic!("no case is called `{name}`"))
}

/// Judges a verdict of `trial`.
///
/// # Errors
///
/// The property does not hold.
pub fn judge<T: Trial>(trial: &T, verdict: Verdict) -> Result<T::Report, Failure> {
    let failure = |verdict| Failure { module: T::MODULE, name: trial.name(), schedule: trial.schedule(), verdict };
    trial.judge(verdict).map_err(failure)
}

/// Runs `trial` on its schedule.
///
/// # Errors
///
/// The property does not hold.
pub fn run<T: Trial>(trial: &T) -> Result<T::Report, Failure> {
    let scheduler = Rc::new(RefCell::new(Paced::new(trial.schedule())));
    judge(trial, stepped::run(trial, &scheduler, None).verdict)
}

/// Runs what has this name on this schedule: the body of a test.
///
/// # Panics
///
/// With the failure, or because nothing has this name.
pub fn hold<T: Trial>(name: &str, schedule: u32) -> T::Report {
    match run(&expect::<T>(name, schedule)) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}"),
    }
}

/// Runs again what a replay string says, twin included.
///
/// # Errors
///
/// The string brings nothing back. The inner result is that of [`run`].
pub fn replay<T: Trial>(text: &str) -> Result<Result<T::Report, Failure>, ReplayError> {
    let recording: Recording = text.parse()?;
    let Some(trial) = T::by_name(&recording.program, 0) else {
        return Err(ReplayError::OtherProgram { found: recording.program, expected: T::FORM.to_owned() });
    };
    let run = stepped::replay(&trial, &recording)?;
    Ok(judge(&trial, run.verdict))
}
