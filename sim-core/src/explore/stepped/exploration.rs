//! All schedules of a program, or those within bounds; and what was left out.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Bus, run_once};
use crate::explore::progress::Progress;
use crate::explore::scheduler::{Bounds, Exhaustive, Seeded, Shard};
use crate::explore::{ProgramOn, Verdict};
use crate::trace::Keep;

/// How much an exploration may take, and which schedules it explores.
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::Kind;
/// # use sim_core::explore::stepped::{Limits, explore};
/// # use sim_core::machine::Fences;
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let exploration = explore(&program, Limits::default());
/// assert_eq!(exploration.verdict.kind(), Kind::Sound);
/// assert!(exploration.unexplored.is_nothing());
///
/// let bounded = explore(&program, Limits { preemptions: Some(0), ..Limits::default() });
/// assert_eq!(bounded.verdict.kind(), Kind::Inconclusive, "nothing was found, and it is no proof");
/// assert!(bounded.unexplored.bounded > 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Schedules, at most.
    pub schedules: u64,
    /// Time, at most. The schedule that is being run is run to its end.
    pub time: Duration,
    /// Preemptions in one schedule, at most: how often somebody else takes a step where the CPU could go on.
    pub preemptions: Option<u32>,
    /// Which part of all schedules.
    pub shard: Shard,
    /// Whether a state that was reached before is left. If not, every schedule is run to its end: for small programs,
    /// to see that nothing hides behind the states.
    pub visit_states_once: bool,
}

impl Default for Limits {
    /// A million schedules, a minute, any number of preemptions, the whole, states once.
    fn default() -> Self {
        Self {
            schedules: 1_000_000,
            time: Duration::from_secs(60),
            preemptions: None,
            shard: Shard::WHOLE,
            visit_states_once: true,
        }
    }
}

/// Which limit has ended an exploration.
///
/// See [`Limits`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// That of schedules.
    Schedules(u64),
    /// That of time.
    Time(Duration),
}

/// What an exploration that has found nothing has left out.
///
/// See [`Limits`] for an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unexplored {
    /// The limit, if it was hit: what comes behind is not known.
    pub limit: Option<Limit>,
    /// Preemptions that a schedule may have, if they are bounded.
    pub preemptions: Option<u32>,
    /// At how many choice points the CPU went on only because no preemption was left.
    pub bounded: u64,
    /// The part that was explored.
    pub shard: Shard,
    /// How many subtrees of choices are part of other shards.
    pub elsewhere: u64,
}

/// What [`explore`] did.
///
/// See [`Limits`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploration {
    /// What was found. `complete` counts the schedules that were not cut off.
    pub verdict: Verdict,
    /// How many distinct states had a choice to make.
    pub states: usize,
    /// How many schedules came back to a state that was explored before, and were cut off.
    pub cut: u64,
    /// How many schedules were run to their end, as part of this exploration.
    pub complete: u64,
    /// What was left out. After a failure: so far.
    pub unexplored: Unexplored,
}

/// Runs `program` on every schedule, until one fails or a limit is hit.
///
/// Sound is a program only if nothing was left out: with a bound that has left something out, and as a shard, it is
/// [`Verdict::Inconclusive`] at best. A program whose firmware never uses the board is [`Verdict::Vacuous`].
///
/// See [`Limits`] for an example.
pub fn explore<P: ProgramOn<Bus>>(program: &P, limits: Limits) -> Exploration {
    explore_with(program, limits, &Progress::SILENT)
}

/// As [`explore`], telling of its progress.
///
/// See [`Progress`] for an example.
pub fn explore_with<P: ProgramOn<Bus>>(program: &P, limits: Limits, progress: &Progress) -> Exploration {
    let started = Instant::now();
    let Limits { preemptions, shard, visit_states_once, .. } = limits;
    let exhaustive = Exhaustive::within(Bounds { preemptions, shard }, visit_states_once);
    let scheduler = Rc::new(RefCell::new(exhaustive));
    let (mut executions, mut cut, mut complete, mut is_used) = (0, 0, 0, false);
    let mut limit = None;
    let failure = loop {
        let (run, uses_board) = run_once(program, &scheduler, Some(Keep::Nothing));
        executions += 1;
        is_used |= uses_board;
        progress.tell(executions);
        let mut scheduler = scheduler.borrow_mut();
        let (was_cut, is_elsewhere) = (scheduler.was_cut(), scheduler.was_left_to_others());
        cut += u64::from(was_cut);
        // What another shard has to explore, it judges.
        if !matches!(run.verdict, Verdict::Sound { .. }) && !is_elsewhere {
            break Some(or_livelock(program, run.verdict).after(executions));
        }
        complete += u64::from(!was_cut && !is_elsewhere);
        if !scheduler.advance() {
            break None;
        }
        limit = limits.hit(executions, started);
        if limit.is_some() {
            break None;
        }
    };
    let scheduler = scheduler.borrow();
    let (bounded, states) = (scheduler.bounded(), scheduler.states());
    let unexplored = Unexplored { limit, preemptions, bounded, shard, elsewhere: scheduler.elsewhere() };
    let verdict = failure.unwrap_or_else(|| {
        if !is_used {
            let message = "the firmware has made no access to its board".to_owned();
            return Verdict::Vacuous { message, executions };
        }
        if unexplored.is_nothing() {
            return Verdict::Sound { executions, complete };
        }
        Verdict::Inconclusive { message: format!("nothing was found, and not explored: {unexplored}"), executions }
    });
    Exploration { verdict, states, cut, complete, unexplored }
}

/// A run without an end, on a schedule that lets only the CPU go on, says nothing of others: on a fair one it may end.
/// If it does not, there is none.
fn or_livelock<P: ProgramOn<Bus>>(program: &P, verdict: Verdict) -> Verdict {
    if !matches!(verdict, Verdict::Inconclusive { .. }) {
        return verdict;
    }
    let fair = Rc::new(RefCell::new(Seeded::new(0)));
    match run_once(program, &fair, Some(Keep::Nothing)).0.verdict {
        livelock @ Verdict::Livelock { .. } => livelock,
        _ => verdict,
    }
}

impl Limits {
    fn hit(&self, executions: u64, started: Instant) -> Option<Limit> {
        if executions >= self.schedules {
            return Some(Limit::Schedules(self.schedules));
        }
        (started.elapsed() >= self.time).then_some(Limit::Time(self.time))
    }
}

impl Unexplored {
    /// Whether all was explored.
    pub fn is_nothing(&self) -> bool {
        self.limit.is_none() && self.bounded == 0 && self.shard.is_whole()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedules(schedules) => write!(f, "what comes after the limit of {schedules} schedules"),
            Self::Time(time) => write!(f, "what comes after the limit of {time:?}"),
        }
    }
}

impl fmt::Display for Unexplored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.map(|limit| limit.to_string());
        let preemptions = self.preemptions.filter(|_| self.bounded > 0).map(|most| {
            format!("schedules with more than {most} preemptions ({} choice points were bounded)", self.bounded)
        });
        let shard = self.shard;
        let shards = (!shard.is_whole())
            .then(|| format!("the other shards, this was {shard} ({} subtrees of choices are theirs)", self.elsewhere));
        let parts: Vec<String> = [limit, preemptions, shards].into_iter().flatten().collect();
        if parts.is_empty() { f.write_str("nothing") } else { f.write_str(&parts.join("; ")) }
    }
}

/// The verdict, how much was done, and what was not.
impl fmt::Display for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, states, cut, complete, unexplored } = self;
        let executions = verdict.executions();
        writeln!(f, "{verdict}")?;
        writeln!(
            f,
            "explored: {executions} schedules, {complete} to their end, {cut} to a known state; {states} states"
        )?;
        match verdict {
            Verdict::Sound { .. } | Verdict::Inconclusive { .. } => write!(f, "unexplored: {unexplored}"),
            Verdict::Vacuous { .. } => write!(f, "unexplored: there was nothing to explore"),
            _ => write!(f, "unexplored: what comes after the failure"),
        }
    }
}
