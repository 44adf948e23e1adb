//! What becomes of one fence of a driver: mistakes to be found.
//!
//! | fate | a release fence | an acquire fence |
//! |---|---|---|
//! | [`Fate::Strength`] | is weaker, or stronger | likewise |
//! | [`Fate::OtherKind`] | is an acquire fence | is a release fence |
//! | [`Fate::OtherSide`] | is behind the write that hands the memory over | is before the read that saw the news |
//! | [`Fate::UnlessFailed`] | is passed if nothing has failed | likewise |
//!
//! An acquire fence on the other side covers what was known before the latest news, and no more: a loop that polls does
//! not pass it again, and so does not make good what it has missed.
//!
//! *Failed* is a start that was refused, or a bus error.
//!
//! *Not here*: a fence that is left out where an isochronous transfer was late, or a circular one overrun. dma-api asks
//! for that behind the fence.

use crate::machine::{Fences, Moment, Strength};

/// What becomes of a fence.
///
/// See [`FencePlace`](crate::machine::FencePlace) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is this strong.
    Strength(Strength),
    /// It orders what it should not, and not what it should.
    OtherKind,
    /// It is on the other side of its register access.
    OtherSide,
    /// It is left out where something has failed.
    UnlessFailed,
}

/// What a driver passes where it asks for a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Nothing that the machine honours.
    Nothing,
    /// A release fence.
    Release,
    /// An acquire fence.
    Acquire,
    /// A release fence, but later: behind the register write that hands the memory over.
    ReleaseBehind,
    /// An acquire fence, but earlier: before the register read that has brought the latest news.
    AcquireBefore,
}

impl Fate {
    /// How strong a fence for `moment` is, where it belongs: `None` if it stands elsewhere.
    pub(crate) fn strength(self, fences: Fences, moment: Moment) -> Strength {
        match self {
            Self::Strength(strength) => strength,
            Self::OtherKind | Self::OtherSide => Strength::None,
            Self::UnlessFailed => fences.strength(moment),
        }
    }

    /// What the driver passes. `has_failed`: the start was refused, or a bus error has ended the transfer.
    pub(crate) fn passed(self, fences: Fences, moment: Moment, has_failed: bool) -> Passed {
        let strength = match self {
            Self::Strength(strength) => strength,
            Self::UnlessFailed if has_failed => Strength::None,
            _ => fences.strength(moment),
        };
        match (self, moment.is_release()) {
            _ if !fences.machine.honours(strength) => Passed::Nothing,
            (Self::OtherSide, true) => Passed::ReleaseBehind,
            (Self::OtherSide, false) => Passed::AcquireBefore,
            (Self::OtherKind, is_release) if is_release => Passed::Acquire,
            (Self::OtherKind, _) => Passed::Release,
            (_, true) => Passed::Release,
            (_, false) => Passed::Acquire,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    #[test]
    fn fence_of_another_fate_is_passed_elsewhere_or_not_at_all() {
        let fences = Fences::right(Machine::CortexM7);
        for (fate, has_failed, release, acquire) in [
            (Fate::Strength(Strength::Full), true, Passed::Release, Passed::Acquire),
            (Fate::Strength(Strength::Compiler), false, Passed::Nothing, Passed::Nothing),
            (Fate::OtherKind, false, Passed::Acquire, Passed::Release),
            (Fate::OtherSide, false, Passed::ReleaseBehind, Passed::AcquireBefore),
            (Fate::UnlessFailed, false, Passed::Release, Passed::Acquire),
            (Fate::UnlessFailed, true, Passed::Nothing, Passed::Nothing),
        ] {
            for moment in [Moment::Release, Moment::AfterFill] {
                assert_eq!(fate.passed(fences, moment, has_failed), release, "{fate:?} {moment}");
            }
            for moment in [Moment::Acquire, Moment::Snapshot, Moment::BeforeFill] {
                assert_eq!(fate.passed(fences, moment, has_failed), acquire, "{fate:?} {moment}");
            }
        }
    }

    #[test]
    fn fence_that_the_machine_does_not_honour_is_none_anywhere() {
        let weak = Fences { start: Strength::Compiler, end: Strength::None, ..Fences::right(Machine::CortexM7) };
        for fate in [Fate::OtherKind, Fate::OtherSide, Fate::UnlessFailed] {
            for moment in [Moment::Release, Moment::Acquire] {
                assert_eq!(fate.passed(weak, moment, false), Passed::Nothing, "{fate:?}");
            }
        }
    }
}
