//! Which fence a path needs, where it stands, on each machine: found by leaving it out.
//!
//! A path's fences are looked up in its own runs, so none can be forgotten here. One after the other is made weaker
//! where it stands, while the others are as strong as can be, and loom and all schedules judge what is left. The
//! weakest with which both say *sound* is what the path needs.
//!
//! That is of one fence at a time: two that each can go need not both go.

use std::cell::RefCell;
use std::rc::Rc;

use super::programs::{Path, Transfer};
use crate::explore::scheduler::Seeded;
use crate::explore::{Kind, Program, model, stepped};
use crate::machine::{FencePlace, Fences, Machine, Moment, Strength};
use crate::trace::{Keep, Record};

/// How many runs are looked through for fences. What a fence stands before, every run comes through, or every other.
const RUNS: u64 = 20;

/// What one fence of a path has to be.
#[derive(Clone, Debug)]
pub struct Needed {
    /// The path.
    pub path: Path,
    /// The fence.
    pub place: FencePlace,
    /// The weakest that suffices, in the order of [`Machine::ALL`]. `None`: not even the strongest does, or the engines
    /// disagree.
    pub weakest: [Option<Strength>; 3],
    /// How many executions of loom, and schedules, it took.
    pub executions: u64,
}

impl Needed {
    /// What each fence of `path` has to be.
    pub fn of(path: Path) -> Vec<Self> {
        let strongest = |machine| Transfer::new(path, Fences { machine, start: Strength::Full, end: Strength::Full });
        let all = Machine::ALL.map(|machine| judge(&strongest(machine)));
        let places = places(&strongest(Machine::CortexM4));
        let needed = |place| {
            let mut executions = 0;
            let weakest = [0, 1, 2].map(|index| {
                let machine = Machine::ALL[index];
                let sound = |strength: &Strength| {
                    // A fence that the machine honours is as good as the strongest.
                    if machine.honours(*strength) {
                        return all[index].0 == Some(Kind::Sound);
                    }
                    let (kind, count) = judge(&Transfer { fence_at: Some((place, *strength)), ..strongest(machine) });
                    executions += count;
                    kind == Some(Kind::Sound)
                };
                Strength::ALL.into_iter().rev().find(sound)
            });
            let executions = executions + all.iter().map(|(_, count)| count).sum::<u64>();
            Self { path, place, weakest, executions }
        };
        places.into_iter().map(needed).collect()
    }

    /// Whether it is what ARM's documents say: the weakest fence that the machine honours, everywhere.
    pub fn is_as_expected(&self) -> bool {
        self.weakest == Machine::ALL.map(|machine| Some(machine.weakest_sufficient()))
    }
}

/// What both engines say, if it is the same; and how many executions and schedules they took.
fn judge(program: &Transfer) -> (Option<Kind>, u64) {
    let model = model::check(program, model::Limits::default());
    let stepped = stepped::explore(program, stepped::Limits::default()).verdict;
    let kind = Some(model.kind()).filter(|kind| *kind == stepped.kind());
    (kind, model.executions() + stepped.executions())
}

/// The fences that a program passes, in the order of the source.
fn places(program: &impl Program) -> Vec<FencePlace> {
    let mut places = Vec::new();
    for seed in 0..RUNS {
        let run = stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), Some(Keep::Order));
        for entry in run.trace.entries() {
            let moments: &[Moment] = match entry.record {
                Record::Release { .. } => &[Moment::Release],
                Record::Acquire { .. } => &[Moment::Acquire],
                Record::Snapshot { .. } => &[Moment::Snapshot],
                Record::Fill { .. } => &[Moment::BeforeFill, Moment::AfterFill],
                _ => &[],
            };
            places.extend(moments.iter().filter_map(|&moment| Some(FencePlace { moment, line: entry.site? })));
        }
    }
    places.sort_by_key(|place| (place.line.file(), place.line.line(), place.moment));
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed_of(path: Path) -> Vec<(Moment, [Option<Strength>; 3])> {
        let needed = Needed::of(path);
        assert!(needed.iter().all(|needed| needed.path == path && needed.executions > 0));
        needed.into_iter().map(|needed| (needed.place.moment, needed.weakest)).collect()
    }

    #[test]
    fn every_fence_of_a_path_is_found_and_needed() {
        let documented = Machine::ALL.map(|machine| Some(machine.weakest_sufficient()));
        for path in [Path::Ep0In, Path::EpIn, Path::Receives] {
            let expected = [(Moment::Release, documented), (Moment::Acquire, documented)];
            assert_eq!(needed_of(path), expected, "{path:?}");
        }
        let circular = [Moment::Release, Moment::Acquire, Moment::Snapshot].map(|moment| (moment, documented));
        assert_eq!(needed_of(Path::Circular), circular);
    }

    #[test]
    fn fence_that_is_weaker_than_needed_is_not_as_expected() {
        let mut needed = Needed::of(Path::Sends).remove(0);
        assert!(needed.is_as_expected());
        needed.weakest[1] = Some(Strength::None);
        assert!(!needed.is_as_expected());
        needed.weakest[1] = None;
        assert!(!needed.is_as_expected());
    }
}
