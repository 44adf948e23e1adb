//! Each fence of each path, made wrong in each way: both engines find it, or it is harmless, and the table says why.
//!
//! Weaker fences are in [`transfers`](super::transfers), on every machine. Here a fence is strong enough, and wrong: of
//! the other kind, on the other side of its register access, or left out where something fails. To both engines a
//! machine is which fences it honours, so one machine stands for all.

use sim_core::check::needed::places;
use sim_core::check::programs::{Path, Transfer};
use sim_core::explore::{Kind, Verdict, model, stepped};
use sim_core::fate::Fate;
use sim_core::machine::{FencePlace, Fences, Machine, Moment};
use sim_core::monitor::Site;

/// What is wrong with a fence.
const WRONG: [Fate; 3] = [Fate::OtherKind, Fate::OtherSide, Fate::UnlessFailed];

/// Why a wrong fence does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harmless {
    /// The memory is taken back from a start that was refused: no DMA has touched it, so there is nothing to order.
    NoDmaHasRun,
    /// The fence is left out where something fails, and nothing fails before it: it is never left out.
    NothingFails,
}

/// Why the fence of `path` for `moment` does no harm, though it is as wrong as `fate` says; `None` if it does.
fn harmless(path: Path, moment: Moment, is_idle: bool, fate: Fate) -> Option<Harmless> {
    let fails = matches!(path, Path::SendFails | Path::ReceiveFails) && moment == Moment::Acquire;
    match fate {
        _ if is_idle => Some(Harmless::NoDmaHasRun),
        Fate::UnlessFailed if !fails => Some(Harmless::NothingFails),
        _ => None,
    }
}

fn path_with(path: Path, fence_at: Option<(FencePlace, Fate)>) -> Transfer {
    Transfer { fence_at, ..Transfer::new(path, Fences::right(Machine::MultiCore)) }
}

/// What both engines say.
fn judge(path: Path, place: FencePlace, fate: Fate) -> [Verdict; 2] {
    let row = path_with(path, Some((place, fate)));
    let model = model::check(&row, model::Limits::default());
    [model, stepped::explore(&row, stepped::Limits::default()).verdict]
}

/// Whether it is the race that a missing fence for `moment` is: found by the DMA if a release fence is missing, by the
/// CPU if an acquire fence is.
fn is_of(verdict: &Verdict, moment: Moment) -> bool {
    let Verdict::Race(found) = verdict else { return false };
    let is_cpus = |site: Site| matches!(site, Site::Cpu(_));
    let (site, other) = (found.violation.site, found.violation.misuse.other);
    is_cpus(site) != moment.is_release() && other.is_some_and(|other| is_cpus(other) == moment.is_release())
}

#[test]
fn wrong_fence_of_each_transfer_is_found_where_it_stands_or_is_harmless() {
    let (mut found, mut spared) = (0, Vec::new());
    for path in Path::ALL {
        for (place, is_idle) in places(&path_with(path, None)) {
            for fate in WRONG {
                let harmless = harmless(path, place.moment, is_idle, fate);
                if harmless == Some(Harmless::NothingFails) && matches!(path, Path::CircularSends | Path::SendsTwice) {
                    // It is the right program, which takes seconds: `transfers` has it.
                    continue;
                }
                for verdict in judge(path, place, fate) {
                    let is_right = match harmless {
                        Some(_) => verdict.kind() == Kind::Sound,
                        None => is_of(&verdict, place.moment),
                    };
                    assert!(is_right, "{path}, {place}, {fate:?}, harmless: {harmless:?}: {verdict}");
                }
                if harmless == Some(Harmless::NoDmaHasRun) {
                    spared.push((path, place.moment, fate));
                }
                found += usize::from(harmless.is_none());
            }
        }
    }
    let refused = [Path::EpInRefused, Path::SendRefused];
    let expected: Vec<_> =
        refused.into_iter().flat_map(|path| WRONG.map(|fate| (path, Moment::Acquire, fate))).collect();
    assert_eq!(spared, expected, "all else has a DMA to order");
    // 57 fences, each of the other kind and on the other side; and two left out where the bus has an error.
    assert_eq!(found, 2 * 57 + 2);
}
