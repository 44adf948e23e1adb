//! What the fences of a path have to do about a data cache, each where it stands: found by leaving it out.
//!
//! A path's fences are those that do something about the cache in one of its runs. One after the other does nothing,
//! while the others do all, and `stepped` judges what is left on every schedule, with the cache doing by itself
//! whatever it can. (loom knows of no cache.)
//!
//! A serial path has buffers of two bytes, and a cache of lines of two.

use std::cell::RefCell;
use std::rc::Rc;

use super::programs::{Path, Transfer};
use crate::device::Chip;
use crate::explore::scheduler::Seeded;
use crate::explore::{Board, Kind, Program, stepped};
use crate::host::{Host, Script};
use crate::machine::{FencePlace, Fences, Machine, Moment};
use crate::memory::cache::{DataCache, LineSize, Operation, Upkeep};
use crate::monitor::Rule;
use crate::soc::{Config, Soc};
use crate::trace::{Keep, Record};

/// How many runs are looked through for fences.
const RUNS: u64 = 20;

/// A path on a Cortex-M7 with its data cache on, and fences that do all about it.
///
/// See [`DataCache`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct Cached {
    /// The path.
    pub path: Path,
    /// What the fences do about the cache.
    pub upkeep: Upkeep,
    /// But for this one, which does nothing.
    pub no_upkeep_at: Option<FencePlace>,
}

impl Cached {
    /// A path whose fences do all that is needed.
    pub fn new(path: Path) -> Self {
        Self { path, upkeep: Upkeep::ALL, no_upkeep_at: None }
    }

    fn transfer(&self) -> Transfer {
        Transfer::new(self.path, Fences::right(Machine::CortexM7))
    }

    fn line(&self) -> LineSize {
        match self.path.chip() {
            Chip::Nrf52840 => LineSize::CORTEX_M7,
            Chip::Stm32f103 => LineSize::new(2).expect("it is a power of two"),
        }
    }
}

impl Program for Cached {
    fn name(&self) -> String {
        format!("cached-{}", self.transfer().name())
    }

    fn config(&self) -> Config {
        let cache = Some(DataCache { line: self.line(), upkeep: self.upkeep });
        Config { cache, no_upkeep_at: self.no_upkeep_at, ..self.transfer().config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.transfer().prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.transfer().firmware(board);
    }

    fn host(&self, host: Host) -> Script {
        self.transfer().host(host)
    }
}

/// What the fences of a path have to do about the cache.
///
/// ```
/// # use sim_core::check::programs::Path;
/// # use sim_core::check::upkeep::{Chores, Need};
/// # use sim_core::memory::cache::Operation;
/// let chores = Chores::of(Path::EpIn);
/// assert!(chores.is_as_expected());
/// let needed: Vec<_> = chores.fences.iter().filter(|chore| chore.need() == Need::Needed).collect();
/// assert_eq!(needed.len(), 1);
/// assert_eq!(needed[0].operation, Operation::Clean);
/// ```
#[derive(Clone, Debug)]
pub struct Chores {
    /// The path.
    pub path: Path,
    /// What all of them together come to, if each does all.
    pub verdict: Kind,
    /// Each fence that does something, in the order of the source.
    pub fences: Vec<Chore>,
    /// How many schedules were explored.
    pub executions: u64,
}

/// What one fence does about the cache.
///
/// See [`Chores`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chore {
    /// The fence.
    pub place: FencePlace,
    /// What it does.
    pub operation: Operation,
    /// What comes of it if it does not.
    pub without: Kind,
}

/// Whether a chore has to be done.
///
/// See [`Chores`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it, the rule about it is broken.
    Needed,
    /// Without it, the path is sound.
    Spare,
    /// Without it something else is found, or nothing for certain.
    Unclear,
}

impl Chore {
    /// Whether it has to be done.
    pub fn need(&self) -> Need {
        let rule = match self.operation {
            Operation::Clean => Rule::CacheNotCleaned,
            Operation::Invalidate | Operation::CleanInvalidate => Rule::CacheNotInvalidated,
        };
        match self.without {
            Kind::Violation(broken) if broken == rule => Need::Needed,
            Kind::Sound => Need::Spare,
            _ => Need::Unclear,
        }
    }
}

impl Chores {
    /// What the fences of `path` have to do.
    pub fn of(path: Path) -> Self {
        let mut executions = 0;
        let mut judge = |program: &Cached| {
            let verdict = stepped::explore(program, stepped::Limits::default()).verdict;
            executions += verdict.executions();
            verdict.kind()
        };
        let all = Cached::new(path);
        let verdict = judge(&all);
        let chore = |(place, operation)| {
            let without = judge(&Cached { no_upkeep_at: Some(place), ..all });
            Chore { place, operation, without }
        };
        let fences = places(&all).into_iter().map(chore).collect();
        Self { path, verdict, fences, executions }
    }

    /// Whether it is what the vendors' documents say: all is sound, nothing of it may be left out, and what the DMA
    /// reads is cleaned before, what it writes invalidated before and after.
    pub fn is_as_expected(&self) -> bool {
        let due: &[Operation] = match self.path.fills_memory() {
            true => &[Operation::CleanInvalidate, Operation::Invalidate],
            false => &[Operation::Clean],
        };
        let is_done = |operation: &Operation| self.fences.iter().any(|chore| chore.operation == *operation);
        let is_needed = self.fences.iter().all(|chore| chore.need() == Need::Needed);
        self.verdict == Kind::Sound && is_needed && due.iter().all(is_done)
    }
}

/// The fences that do something about the cache, and what, in the order of the source.
fn places(program: &Cached) -> Vec<(FencePlace, Operation)> {
    let mut places = Vec::new();
    for seed in 0..RUNS {
        let run = stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), Some(Keep::Order));
        let mut moment = None;
        for entry in run.trace.entries() {
            match entry.record {
                Record::Release { .. } => moment = Some(Moment::Release),
                Record::Acquire { .. } => moment = Some(Moment::Acquire),
                Record::Snapshot { .. } => moment = Some(Moment::Snapshot),
                Record::Fill { .. } => moment = Some(Moment::AfterFill),
                Record::Upkeep { operation, .. } => {
                    let place = moment.zip(entry.site).map(|(moment, line)| FencePlace { moment, line });
                    places.extend(place.map(|place| (place, operation)));
                }
                _ => {}
            }
        }
    }
    places.sort_by_key(|(place, _)| (place.line.file(), place.line.line(), place.line.column(), place.moment));
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::quirks::{Quirky, Tried};
    use crate::quirks::Quirks;

    fn chores_of(path: Path) -> Vec<(Moment, Operation, Kind)> {
        let chores = Chores::of(path);
        assert_eq!((chores.path, chores.verdict), (path, Kind::Sound));
        chores.fences.iter().map(|chore| (chore.place.moment, chore.operation, chore.without)).collect()
    }

    const CLEAN: (Moment, Operation, Kind) =
        (Moment::Release, Operation::Clean, Kind::Violation(Rule::CacheNotCleaned));
    const BEFORE: (Moment, Operation, Kind) =
        (Moment::Release, Operation::CleanInvalidate, Kind::Violation(Rule::CacheNotInvalidated));
    const AFTER: (Moment, Operation, Kind) =
        (Moment::Acquire, Operation::Invalidate, Kind::Violation(Rule::CacheNotInvalidated));

    #[test]
    fn what_is_sent_is_cleaned_before_and_what_is_received_invalidated_before_and_after() {
        for path in [Path::Ep0In, Path::EpIn, Path::Sends] {
            assert_eq!(chores_of(path), [CLEAN], "{path}");
        }
        for path in [Path::Receives, Path::Awaits] {
            assert_eq!(chores_of(path), [BEFORE, AFTER], "{path}");
        }
    }

    #[test]
    fn buffers_that_go_round_are_maintained_part_by_part() {
        let snapshot = (Moment::Snapshot, AFTER.1, AFTER.2);
        assert!(chores_of(Path::Circular).contains(&snapshot), "{:?}", chores_of(Path::Circular));
        let fill = (Moment::AfterFill, CLEAN.1, CLEAN.2);
        assert_eq!(chores_of(Path::CircularSends), [CLEAN, fill]);
    }

    #[test]
    fn chore_without_which_something_else_is_found_is_unclear() {
        let chore = Chores::of(Path::Sends).fences[0];
        assert_eq!(chore.need(), Need::Needed);
        assert_eq!(Chore { without: Kind::Sound, ..chore }.need(), Need::Spare);
        for without in [Kind::Inconclusive, Kind::Assertion, Kind::Violation(Rule::CacheNotInvalidated)] {
            assert_eq!(Chore { without, ..chore }.need(), Need::Unclear);
        }
        let none = Chores { path: Path::Sends, verdict: Kind::Sound, fences: Vec::new(), executions: 1 };
        assert!(!none.is_as_expected(), "nothing was asked");
    }

    #[test]
    fn quirks_are_what_they_are_without_a_cache() {
        for path in Path::ALL.into_iter().filter(|path| path.fills_memory()) {
            for quirks in Quirks::EACH {
                let program = Quirky { program: Cached::new(path), quirks };
                let verdict = stepped::explore(&program, stepped::Limits::default()).verdict;
                assert_eq!(verdict.kind(), Tried::check(path, quirks).expected, "{path}, {quirks}: {verdict}");
            }
        }
    }

    #[test]
    fn fences_that_know_of_no_cache_are_not_enough_on_any_path() {
        for path in Path::ALL {
            let verdict =
                stepped::explore(&Cached { upkeep: Upkeep::NONE, ..Cached::new(path) }, Default::default()).verdict;
            assert!(
                matches!(verdict.kind(), Kind::Violation(Rule::CacheNotCleaned | Rule::CacheNotInvalidated)),
                "{path}: {verdict}"
            );
        }
    }
}
