//! Those who can go on when the CPU does not: a set, in the order of options.
//!
//! It is made at every choice point, so it is one word: no list, no allocation.

use crate::device::power::Step;
use crate::host::Fault;
use crate::host::fault::Course;

/// One of those who go on when the CPU does not, or (the handler) in the middle of what it does.
///
/// See [`Others`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// The oldest posted write to the peripheral of this queue takes effect.
    Posted(u8),
    /// The word that this controller has on its way lands in memory.
    Late(u8),
    /// The interrupt handler.
    Handler,
    /// The controller powers up, or wakes up.
    Power,
    /// The regulator or the crystal settles.
    Supply(Step),
    /// The DMA engine moves a word, or ends its transfer.
    Engine,
    /// The DMA controller with this index reads an item, or writes it.
    Dma(u8),
    /// The frame that is on its way out of the USART with this index arrives.
    Wire(u8),
    /// The data cache does the thing with this number, of those that it can, by itself.
    Cache(u8),
    /// The host takes its step, and this happens to it.
    Host(Course),
}

/// In the order in which a scheduler counts them: replay strings depend on it.
const ALL: [Other; 34] = [
    Other::Posted(0),
    Other::Posted(1),
    Other::Posted(2),
    Other::Posted(3),
    Other::Posted(4),
    Other::Posted(5),
    Other::Posted(6),
    Other::Late(0),
    Other::Late(1),
    Other::Late(2),
    Other::Handler,
    Other::Power,
    Other::Supply(Step::Regulator),
    Other::Supply(Step::Crystal),
    Other::Engine,
    Other::Dma(0),
    Other::Dma(1),
    Other::Wire(0),
    Other::Wire(1),
    Other::Wire(2),
    Other::Host(Course::AsTold),
    Other::Host(Course::Suffers(Fault::LostToken)),
    Other::Host(Course::Suffers(Fault::CorruptedPacket)),
    Other::Host(Course::Suffers(Fault::LostHandshake)),
    Other::Host(Course::Suffers(Fault::WrongToggle)),
    Other::Host(Course::Abandoned),
    Other::Cache(0),
    Other::Cache(1),
    Other::Cache(2),
    Other::Cache(3),
    Other::Cache(4),
    Other::Cache(5),
    Other::Cache(6),
    Other::Cache(7),
];

/// How many things the cache can do at once.
pub const WHIMS: usize = 8;

impl Other {
    /// Its place in [`ALL`].
    #[inline]
    fn place(self) -> u32 {
        match self {
            Self::Posted(queue) => u32::from(queue),
            Self::Late(controller) => 7 + u32::from(controller),
            Self::Handler => 10,
            Self::Power => 11,
            Self::Supply(Step::Regulator) => 12,
            Self::Supply(Step::Crystal) => 13,
            Self::Engine => 14,
            Self::Dma(controller) => 15 + u32::from(controller),
            Self::Wire(usart) => 17 + u32::from(usart),
            Self::Host(Course::AsTold) => 20,
            Self::Host(Course::Suffers(Fault::LostToken)) => 21,
            Self::Host(Course::Suffers(Fault::CorruptedPacket)) => 22,
            Self::Host(Course::Suffers(Fault::LostHandshake)) => 23,
            Self::Host(Course::Suffers(Fault::WrongToggle)) => 24,
            Self::Host(Course::Abandoned) => 25,
            Self::Cache(whim) => 26 + u32::from(whim),
        }
    }
}

/// A set of [`Other`]s: a bit for each, at its place.
///
/// ```
/// # use sim_core::explore::scheduler::{Choice, Other, Others};
/// let mut others = Others::NOBODY;
/// others.insert(Other::Engine);
/// let choice = Choice::new(true, others);
/// assert_eq!((choice.options, choice.others_first()), (2, 1));
/// assert_eq!(others.at(0), Other::Engine);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Others(u64);

impl Others {
    /// None of them.
    pub const NOBODY: Self = Self(0);

    /// In the order of options.
    pub fn iter(self) -> impl Iterator<Item = Other> {
        ALL.into_iter().filter(move |other| self.0 & 1_u64 << other.place() != 0)
    }

    /// Adds one.
    #[inline]
    pub fn insert(&mut self, other: Other) {
        self.0 |= 1 << other.place();
    }

    /// Whether nobody can go on.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many can.
    #[inline]
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The one with `index` before it.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[inline]
    pub fn at(self, index: usize) -> Other {
        let left = (0..index).fold(self.0, |left, _| left & left.saturating_sub(1));
        ALL[left.trailing_zeros() as usize]
    }
}

impl Extend<Other> for Others {
    fn extend<T: IntoIterator<Item = Other>>(&mut self, others: T) {
        others.into_iter().for_each(|other| self.insert(other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_list() {
        assert!((0..).zip(ALL).all(|(place, other)| other.place() == place));
    }

    #[test]
    fn others_are_counted_in_the_order_of_the_list_whatever_the_order_of_insertion() {
        let mut others = Others::default();
        assert!(others.is_empty());
        let host = Other::Host(Course::AsTold);
        others.extend([host, Other::Handler, Other::Engine, host]);
        assert_eq!((others.count(), others.is_empty()), (3, false));
        assert_eq!([0, 1, 2].map(|index| others.at(index)), [Other::Handler, Other::Engine, host]);
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn other_that_is_not_there_is_a_panic() {
        Others::default().at(0);
    }
}
