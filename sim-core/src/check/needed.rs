//! Which fence a path needs, where it stands, on each machine: found by weakening it.
//!
//! A path's fences are looked up in its own runs: those that one of twenty random ones passes. One after the other is
//! made weaker where it stands, while the others are as strong as can be, and loom and all schedules judge what is
//! left. The weakest with which both say *sound* is what the path needs.
//!
//! That is of one fence at a time: two that each can go need not both go.
//!
//! Where memory is taken back that no DMA has touched, since its start was refused, a fence orders nothing: such a
//! place is *idle*, and is expected to need none.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use super::programs::{Path, Transfer};
use crate::explore::scheduler::Seeded;
use crate::explore::{Kind, Program, model, stepped};
use crate::fate::Fate;
use crate::machine::{FencePlace, Fences, Machine, Moment, Strength};
use crate::monitor::ownership::overlap;
use crate::trace::{Keep, Record};

/// How many runs are looked through for fences.
const RUNS: u64 = 20;

/// What the fences of a path have to be.
///
/// ```
/// # use sim_core::check::needed::Needs;
/// # use sim_core::check::programs::Path;
/// # use sim_core::machine::Strength;
/// let needs = Needs::of(Path::Ep0In);
/// assert!(needs.fences.iter().all(|needed| needed.is_as_expected()));
/// assert_eq!(needs.strongest(), [Some(Strength::Compiler), Some(Strength::Full), Some(Strength::Full)]);
/// ```
#[derive(Clone, Debug)]
pub struct Needs {
    /// The path.
    pub path: Path,
    /// Its fences, in the order of the source.
    pub fences: Vec<Needed>,
    /// How many executions of loom, and schedules, were explored.
    pub executions: u64,
}

/// What one fence has to be.
///
/// See [`Needs`] for an example.
#[derive(Clone, Debug)]
pub struct Needed {
    /// The fence.
    pub place: FencePlace,
    /// It takes memory back that no DMA has touched, in all runs.
    pub is_idle: bool,
    /// The weakest that suffices, in the order of [`Machine::ALL`]. `None`: not even the strongest does, or the engines
    /// disagree.
    pub weakest: [Option<Strength>; 3],
}

impl Needs {
    /// What the fences of `path` have to be.
    pub fn of(path: Path) -> Self {
        let mut executions = 0;
        let mut is_sound = |program: &Transfer| {
            let (kind, count) = judge(program);
            executions += count;
            kind == Some(Kind::Sound)
        };
        let strongest = |machine| Transfer::new(path, Fences { machine, start: Strength::Full, end: Strength::Full });
        // To both engines a machine is which fences it honours, and every machine honours these.
        let all = is_sound(&strongest(Machine::MultiCore));
        let mut needed = |(place, is_idle)| {
            let weakest = [0, 1, 2].map(|index| {
                let machine = Machine::ALL[index];
                let weaker =
                    |strength| Transfer { fence_at: Some((place, Fate::Strength(strength))), ..strongest(machine) };
                // A fence that the machine honours is as good as the strongest.
                let suffices = |strength: &Strength| match machine.honours(*strength) {
                    true => all,
                    false => is_sound(&weaker(*strength)),
                };
                Strength::ALL.into_iter().rev().find(suffices)
            });
            Needed { place, is_idle, weakest }
        };
        let fences = places(&strongest(Machine::CortexM4)).into_iter().map(&mut needed).collect();
        Self { path, fences, executions }
    }

    /// The strongest that any of its fences has to be, in the order of [`Machine::ALL`]; `None` if none is enough.
    pub fn strongest(&self) -> [Option<Strength>; 3] {
        [0, 1, 2].map(|index| {
            let all = self.fences.iter().map(|needed| needed.weakest[index]).collect::<Option<Vec<_>>>();
            all.and_then(|all| all.into_iter().max())
        })
    }
}

impl Needed {
    /// Whether it is what ARM's documents say: the weakest fence that the machine honours, everywhere; and none where
    /// it is idle.
    pub fn is_as_expected(&self) -> bool {
        let expected = |machine: Machine| if self.is_idle { Strength::None } else { machine.weakest_sufficient() };
        self.weakest == Machine::ALL.map(|machine| Some(expected(machine)))
    }
}

/// What both engines say, if it is the same; and how many executions and schedules they took.
fn judge(program: &Transfer) -> (Option<Kind>, u64) {
    let model = model::check(program, model::Limits::default());
    let stepped = stepped::explore(program, stepped::Limits::default()).verdict;
    let kind = Some(model.kind()).filter(|kind| *kind == stepped.kind());
    (kind, model.executions() + stepped.executions())
}

/// The fences that a program passes, in the order of the source; and whether each is idle: see [`Needed::is_idle`].
///
/// See [`FencePlace`] for an example.
pub fn places(program: &impl Program) -> Vec<(FencePlace, bool)> {
    let mut places: Vec<(FencePlace, bool)> = Vec::new();
    for seed in 0..RUNS {
        let run = stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), Some(Keep::Order));
        let mut touched: Vec<Range<u32>> = Vec::new();
        for entry in run.trace.entries() {
            let is_touched = |lent: &Range<u32>| touched.iter().any(|range| overlap(range, lent));
            let moments: &[(Moment, bool)] = match &entry.record {
                Record::Release { .. } => &[(Moment::Release, false)],
                Record::Acquire { range, .. } => &[(Moment::Acquire, !is_touched(range))],
                Record::Snapshot { .. } => &[(Moment::Snapshot, false)],
                Record::Fill { .. } => &[(Moment::BeforeFill, false), (Moment::AfterFill, false)],
                _ => &[],
            };
            let found = moments
                .iter()
                .filter_map(|&(moment, is_idle)| Some((FencePlace { moment, line: entry.site? }, is_idle)));
            places.extend(found);
            match &entry.record {
                Record::Beat { beat, .. } => touched.push(beat.range.clone()),
                Record::Item { range, .. } => touched.push(range.clone()),
                Record::Acquire { range, .. } => touched.retain(|touched| !overlap(touched, range)),
                _ => {}
            }
        }
    }
    // One that is not idle in one run comes first, and stays.
    let order = |&(FencePlace { moment, line }, is_idle): &(FencePlace, bool)| {
        (line.file(), line.line(), line.column(), moment, is_idle)
    };
    places.sort_by_key(order);
    places.dedup_by_key(|(place, _)| *place);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed_of(path: Path) -> Vec<(Moment, [Option<Strength>; 3])> {
        let needs = Needs::of(path);
        assert!(needs.path == path && needs.executions > 0);
        assert_eq!(needs.strongest(), Machine::ALL.map(|machine| Some(machine.weakest_sufficient())), "{needs:?}");
        needs.fences.into_iter().map(|needed| (needed.place.moment, needed.weakest)).collect()
    }

    #[test]
    fn every_fence_of_a_path_is_found_and_needed() {
        let documented = Machine::ALL.map(|machine| Some(machine.weakest_sufficient()));
        for path in [Path::Ep0In, Path::EpIn, Path::EpOut, Path::IsoOut, Path::Receives, Path::SendFails] {
            let expected = [(Moment::Release, documented), (Moment::Acquire, documented)];
            assert_eq!(needed_of(path), expected, "{path:?}");
        }
        let circular = [Moment::Release, Moment::Acquire, Moment::Snapshot].map(|moment| (moment, documented));
        assert_eq!(needed_of(Path::Circular), circular);
    }

    #[test]
    fn fence_of_a_start_that_was_refused_orders_nothing_and_is_not_needed() {
        let fences = Needs::of(Path::SendRefused).fences;
        assert!(fences.iter().all(Needed::is_as_expected), "{fences:?}");
        let idle: Vec<_> = fences.iter().filter(|needed| needed.is_idle).map(|needed| needed.place.moment).collect();
        assert_eq!((fences.len(), idle), (3, vec![Moment::Acquire]));
    }

    #[test]
    fn fence_that_is_weaker_than_needed_is_not_as_expected() {
        let mut needed = Needs::of(Path::Sends).fences.remove(0);
        assert!(needed.is_as_expected());
        needed.weakest[1] = Some(Strength::None);
        assert!(!needed.is_as_expected());
        needed.weakest[1] = None;
        assert!(!needed.is_as_expected());
        needed.weakest = [Some(Strength::None); 3];
        assert!(!needed.is_as_expected());
        needed.is_idle = true;
        assert!(needed.is_as_expected());
    }
}
