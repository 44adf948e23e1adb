//! A failure that people can read: what happened, which two accesses, what is missing, what mends it.
//!
//! The explorer's own schedule is the first that failed, depth first. Here a shorter one is looked for: the beginnings
//! of its choices are tried, each with the others first from there on, and the run with the fewest events is kept. It
//! fails for the same two sites. That is not the shortest of all schedules, for which all would have to be explored.
//!
//! The run is replayed with its trace kept; [`order`] finds what orders its events, and [`repair`] the fences that
//! would have made it sound.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use crate::explore::replay::Recording;
use crate::explore::scheduler::Replay;
use crate::explore::{Verdict, stepped};
use crate::machine::Place;
use crate::monitor::ownership::overlap;
use crate::monitor::{Rule, Site, Violation};
use crate::trace::{Entry, Keep, Record, timeline};

pub mod order;
pub mod repair;
mod text;

use order::Order;
use repair::{Fix, Repairable};

/// How many beginnings of a failing schedule are tried.
const BEGINNINGS: usize = 256;

/// A failing run, and what to do about it.
///
/// ```
/// # use sim_core::check::counterexample::Counterexample;
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::stepped::{Limits, explore};
/// # use sim_core::machine::{Fences, Place, Strength};
/// let fences = Fences { start: Strength::None, ..Fences::default() };
/// let program = BackToBack { packets: 1, length: 2, fences };
/// let failure = explore(&program, Limits::default()).verdict;
/// let found = Counterexample::find(&program, &failure, Limits::default()).unwrap();
/// assert_eq!(found.place(), Some(Place::Start));
/// let change = found.fix.edit().unwrap();
/// assert_eq!(change.at(Place::Start), Some(Strength::Compiler));
/// assert!(explore(&change.apply(&program), Limits::default()).unexplored.is_nothing());
/// ```
#[derive(Debug)]
pub struct Counterexample {
    /// The failure, with its trace and its choices.
    pub run: stepped::Run,
    /// The entry of the trace that broke the rule: of a race, the later of the two accesses.
    pub later: Option<usize>,
    /// The entry of the access that it is in conflict with.
    pub earlier: Option<usize>,
    /// What orders the events, as far as it is of a buffer that changes hands.
    pub orders: Vec<Order>,
    /// What mends it.
    pub fix: Fix,
}

impl Counterexample {
    /// What became of `program`, which an explorer has found to fail by `failure`. `None` if that brings no run back:
    /// it is no failure, or the explorer cannot replay.
    pub fn find<P: Repairable + Clone>(program: &P, failure: &Verdict, limits: stepped::Limits) -> Option<Self> {
        let recording: Recording = failure.replay()?.parse().ok()?;
        let choices = recording.choices_of(&program.name()).ok()?;
        let run = shortest(program, failure, &choices)?;
        let entries = run.trace.entries();
        let (earlier, later) = accesses(entries, violation_of(&run.verdict));
        let orders = order::orders(entries, program.config().fences.machine);
        let fix = Fix::find(program, failure, limits);
        Some(Self { later, earlier, orders, fix, run })
    }

    /// What broke a rule. `None` for a deadlock, or a program that panicked.
    pub fn violation(&self) -> Option<&Violation> {
        violation_of(&self.run.verdict)
    }

    /// The two accesses that nothing orders, in the order in which they happened here.
    pub fn missing(&self) -> Option<(usize, usize)> {
        self.violation().filter(|violation| violation.misuse.rule == Rule::Race)?;
        self.earlier.zip(self.later)
    }

    /// Where the fence is missing.
    pub fn place(&self) -> Option<Place> {
        self.missing()?;
        Some(match self.violation()?.site {
            Site::Dma { .. } | Site::Channel { .. } => Place::Start,
            Site::Cpu(_) | Site::Host { .. } | Site::Peer { .. } | Site::Cache { .. } => Place::End,
        })
    }

    /// What the missing arrow says: the fence that would be it.
    pub fn missing_label(&self) -> Option<String> {
        let place = self.place()?;
        let fence = self.fix.edit().and_then(|edit| edit.at(place));
        Some(fence.map_or("nothing orders these".to_owned(), |fence| format!("missing: {}", repair::name_of(fence))))
    }

    /// What the missing arrow is between, as a sentence.
    pub fn missing_sentence(&self) -> Option<String> {
        self.missing()?;
        let violation = self.violation()?;
        let other = violation.misuse.other?;
        Some(format!("nothing orders 1 ({other}) before 2 ({})", violation.site))
    }

    /// What brings it back.
    pub fn replay(&self) -> Option<&str> {
        self.run.verdict.replay()
    }
}

/// As a terminal shows it: the lanes with the two accesses marked, the failure, the fix. With colours, as
/// [`timeline::render`].
impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

fn violation_of(verdict: &Verdict) -> Option<&Violation> {
    match verdict {
        Verdict::Race(found) | Verdict::Violation(found) => Some(&found.violation),
        _ => None,
    }
}

/// The sites of a failure: two runs that have the same fail alike.
fn sites(verdict: &Verdict) -> Option<(Site, Option<Site>)> {
    violation_of(verdict).map(|violation| (violation.site, violation.misuse.other))
}

/// The run that fails as `failure` does, and has the fewest events: of those that begin as `choices` do.
fn shortest<P: Repairable>(program: &P, failure: &Verdict, choices: &[u8]) -> Option<stepped::Run> {
    let step = choices.len() / BEGINNINGS + 1;
    // The whole is first: of runs that are equally short, it is the one that was reported.
    let lengths = std::iter::once(choices.len()).chain((0..choices.len()).step_by(step));
    let mut seen = HashSet::new();
    let runs = lengths.filter_map(|length| {
        let scheduler = Rc::new(RefCell::new(Replay::new(choices[..length].to_vec())));
        let run = stepped::run(program, &scheduler, Some(Keep::Order));
        let is_the_same = run.verdict.kind() == failure.kind() && sites(&run.verdict) == sites(failure);
        (is_the_same && seen.insert(run.choices.clone())).then_some(run)
    });
    runs.min_by_key(|run| timeline::fold(run.trace.entries()).len())
}

/// The entries of the two accesses of `violation`: the earlier, the later.
fn accesses(entries: &[Entry], violation: Option<&Violation>) -> (Option<usize>, Option<usize>) {
    let Some(Violation { misuse, site, .. }) = violation else {
        return (None, None);
    };
    let is_noted = |entry: &Entry| entry.record == Record::Violation(misuse.rule);
    let noted = entries.iter().rposition(is_noted).unwrap_or(entries.len());
    let later = last(&entries[..noted], *site, misuse.range.as_ref());
    let before = later.unwrap_or(noted);
    let earlier = misuse.other.and_then(|other| last(&entries[..before], other, misuse.range.as_ref()));
    (earlier, later)
}

/// The last entry that `site` has made: of those that touch `range`, if there are any.
fn last(entries: &[Entry], site: Site, range: Option<&Range<u32>>) -> Option<usize> {
    let is_in_range = |entry: &Entry| range.zip(range_of(&entry.record)).is_some_and(|(a, b)| overlap(a, &b));
    let accesses = |entry: &Entry| is_by(entry, site) && is_in_range(entry);
    let found = entries.iter().rposition(accesses).or_else(|| entries.iter().rposition(|entry| is_by(entry, site)));
    // An access that was to come, and did not: what its transfer has done last.
    found.or_else(|| entries.iter().rposition(|entry| is_of_the_same_transfer(entry, site)))
}

fn range_of(record: &Record) -> Option<Range<u32>> {
    match record {
        Record::Release { range, .. } | Record::Acquire { range, .. } | Record::Snapshot { range, .. } => {
            Some(range.clone())
        }
        Record::Item { range, .. } => Some(range.clone()),
        Record::Beat { beat, .. } => Some(beat.range.clone()),
        Record::Touch { address, .. } => Some(*address..address.saturating_add(1)),
        _ => None,
    }
}

fn is_by(entry: &Entry, by: Site) -> bool {
    match (by, &entry.record) {
        (Site::Cpu(line), _) => entry.site == Some(line),
        (_, Record::Beat { beat, .. }) => beat.site == by,
        (_, Record::Item { site, .. }) => *site == by,
        (Site::Host { endpoint: by }, Record::Transaction { endpoint, .. }) => *endpoint == by,
        (Site::Peer { usart: by }, Record::Frame { usart, to_host: false, .. }) => *usart == by,
        _ => false,
    }
}

fn is_of_the_same_transfer(entry: &Entry, by: Site) -> bool {
    match (by, &entry.record) {
        (Site::Dma { block: by, endpoint: of, .. }, Record::Captured { block, endpoint, .. }) => {
            *block == by && *endpoint == of
        }
        (Site::Dma { block: by, endpoint: of, .. }, Record::Beat { beat, .. }) => {
            matches!(beat.site, Site::Dma { block, endpoint, .. } if block == by && endpoint == of)
        }
        (Site::Channel { controller: by, channel: of, .. }, Record::Item { site, .. }) => {
            matches!(*site, Site::Channel { controller, channel, .. } if controller == by && channel == of)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
