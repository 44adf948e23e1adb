//! The cores that a driver may run on, and which fences they honour.
//!
//! | machine | no fence | `compiler_fence` | `fence` (DMB) | because |
//! |---|---|---|---|---|
//! | Cortex-M4 | reordered by the compiler | in order | in order | no reordering of memory transfers (AN321 4.18) |
//! | Cortex-M7 | reordered | reordered by the core | in order | store buffer, speculative reads |
//! | multi-core | reordered | reordered by the core | in order | another master sees writes in an order of its own |
//!
//! A fence that the machine does not honour orders nothing there. With a data cache
//! ([`Config::cache`](crate::soc::Config::cache)), whatever the machine, a fence has more to do.

use std::fmt;
use std::panic::Location;

use serde::Serialize;

/// A core, as far as the order of memory accesses goes.
///
/// See [`Fences`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// One in-order core: Cortex-M0 to M4F.
    CortexM4,
    /// One core with a store buffer: Cortex-M7 (cache off).
    CortexM7,
    /// Several masters that see memory in orders of their own.
    MultiCore,
}

/// How strong a fence is.
///
/// See [`Fences`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// No fence.
    None,
    /// `compiler_fence`: no instruction. [`dma_api::fence::InOrder`].
    Compiler,
    /// `fence`: DMB. [`dma_api::fence::Barrier`].
    Full,
}

impl Machine {
    /// All machines.
    pub const ALL: [Self; 3] = [Self::CortexM4, Self::CortexM7, Self::MultiCore];

    /// Whether a fence of this strength orders anything here.
    pub fn honours(self, strength: Strength) -> bool {
        strength >= self.weakest_sufficient()
    }

    /// The weakest fence that orders something here.
    pub fn weakest_sufficient(self) -> Strength {
        match self {
            Self::CortexM4 => Strength::Compiler,
            Self::CortexM7 | Self::MultiCore => Strength::Full,
        }
    }

    /// Why a fence of this strength orders nothing here; `None` if it does.
    pub fn objection(self, strength: Strength) -> Option<&'static str> {
        match (self, strength) {
            _ if self.honours(strength) => None,
            (_, Strength::None) => Some("without a fence the compiler may move or delete the buffer's accesses"),
            (Self::CortexM7, _) => {
                Some("a Cortex-M7 has a store buffer and reads ahead, and compiler_fence emits no DMB")
            }
            _ => {
                Some("another master sees this core's accesses in an order of its own, and compiler_fence emits no DMB")
            }
        }
    }
}

impl Strength {
    /// All strengths, strongest first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Compiler, Self::None];
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CortexM4 => "cortex-m4",
            Self::CortexM7 => "cortex-m7",
            Self::MultiCore => "multi-core",
        })
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Compiler => "compiler_fence",
            Self::Full => "fence",
        })
    }
}

/// What a fence is for.
///
/// ```
/// # use sim_core::machine::{Fences, Moment, Strength};
/// let fences = Fences { start: Strength::Full, end: Strength::Compiler, ..Fences::default() };
/// assert!(Moment::AfterFill.is_release());
/// assert_eq!(fences.strength(Moment::AfterFill), Strength::Full);
/// assert_eq!(fences.strength(Moment::Snapshot), Strength::Compiler);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// `release`: memory is given to the DMA.
    Release,
    /// `acquire`: memory is taken back.
    Acquire,
    /// `snapshot`: what the DMA has written so far is copied.
    Snapshot,
    /// `fill`, before the stores: what the DMA has read is overwritten.
    BeforeFill,
    /// `fill`, behind the stores: they are handed over.
    AfterFill,
}

impl Moment {
    /// Whether it is a release fence: it orders what comes before it. The others are acquire fences.
    pub fn is_release(self) -> bool {
        matches!(self, Self::Release | Self::AfterFill)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Release => "release",
            Self::Acquire => "acquire",
            Self::Snapshot => "snapshot",
            Self::BeforeFill => "fill, before the stores",
            Self::AfterFill => "fill, behind the stores",
        })
    }
}

/// A fence of a driver: what it is for, and where it stands.
///
/// Where a program has its fences, and what comes of it if one goes:
///
/// ```
/// # use sim_core::check::needed::places;
/// # use sim_core::check::programs::{Path, Transfer};
/// # use sim_core::explore::{Kind, Program, stepped};
/// # use sim_core::fate::Fate;
/// # use sim_core::machine::{Fences, Strength};
/// let path = Transfer::new(Path::Ep0In, Fences::default());
/// for (place, _is_idle) in places(&path) {
///     let fence_at = Some((place, Fate::Strength(Strength::None)));
///     let without = Transfer { fence_at, ..path.clone() };
///     assert_eq!(stepped::explore(&without, stepped::Limits::default()).verdict.kind(), Kind::Race);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FencePlace {
    /// What it is for.
    pub moment: Moment,
    /// The line of the driver that asks for it.
    pub line: &'static Location<'static>,
}

impl fmt::Display for FencePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}:{}", self.moment, self.line.file(), self.line.line())
    }
}

/// A machine, and the fences that a driver uses on it.
///
/// ```
/// # use sim_core::machine::{Fences, Machine, Place, Strength};
/// let m7 = Fences::right(Machine::CortexM7);
/// assert_eq!((m7.start, m7.end), (Strength::Full, Strength::Full));
/// let weaker = m7.with(Place::Start, Strength::Compiler);
/// assert!(m7.suffice() && !weaker.suffice());
/// assert!(Fences { machine: Machine::CortexM4, ..weaker }.suffice());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Fences {
    /// The core.
    pub machine: Machine,
    /// What `release` does, before the start; and `fill`, behind its stores.
    pub start: Strength,
    /// What `acquire` does, after the end; and `snapshot`, and `fill` before its stores.
    pub end: Strength,
}

impl Fences {
    /// The fences that dma-api has for this machine: the weakest that suffice.
    pub fn right(machine: Machine) -> Self {
        let strength = machine.weakest_sufficient();
        Self { machine, start: strength, end: strength }
    }

    /// Machine by machine, start fence by start fence: all 27.
    pub fn all() -> impl Iterator<Item = Self> {
        Machine::ALL.into_iter().flat_map(|machine| {
            Strength::ALL.into_iter().flat_map(move |start| Strength::ALL.map(|end| Self { machine, start, end }))
        })
    }

    /// How strong the fence for this moment is.
    pub fn strength(self, moment: Moment) -> Strength {
        if moment.is_release() { self.start } else { self.end }
    }

    /// Whether the machine honours both.
    pub fn suffice(self) -> bool {
        self.machine.honours(self.start) && self.machine.honours(self.end)
    }
}

/// Where a driver has a fence.
///
/// See [`Fences`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Place {
    /// In `release`, and in `fill` behind its stores.
    Start,
    /// In `acquire`, in `snapshot`, and in `fill` before its stores.
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Start => "before the start (`release`)",
            Self::End => "after the end (`acquire`)",
        })
    }
}

impl Fences {
    /// Each place with its fence.
    pub fn places(self) -> Vec<(Place, Strength)> {
        vec![(Place::Start, self.start), (Place::End, self.end)]
    }

    /// The same, but for the fence at `place`.
    pub fn with(self, place: Place, strength: Strength) -> Self {
        match place {
            Place::Start => Self { start: strength, ..self },
            Place::End => Self { end: strength, ..self },
        }
    }
}

impl Default for Fences {
    fn default() -> Self {
        Self::right(Machine::CortexM4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_fence_is_enough_for_an_in_order_core_only() {
        assert!(Machine::CortexM4.honours(Strength::Compiler));
        assert!(!Machine::CortexM7.honours(Strength::Compiler));
        assert!(!Machine::MultiCore.honours(Strength::Compiler));
    }

    #[test]
    fn fence_of_one_place_is_exchanged_and_the_other_stays() {
        let fences = Fences::right(Machine::CortexM4);
        let [start, end] = [Place::Start, Place::End].map(|place| fences.with(place, Strength::None).places());
        assert_eq!(start, [(Place::Start, Strength::None), (Place::End, Strength::Compiler)]);
        assert_eq!(end, [(Place::Start, Strength::Compiler), (Place::End, Strength::None)]);
    }

    #[test]
    fn no_fence_is_enough_for_nobody_and_a_full_one_for_all() {
        for machine in Machine::ALL {
            assert!(!machine.honours(Strength::None), "{machine}");
            assert!(machine.honours(Strength::Full), "{machine}");
            assert_eq!(machine.objection(Strength::Full), None);
        }
    }
}
