//! One of several parts of an exploration, each for a machine of its own.
//!
//! The tree of choices is cut where it is about [`SUBTREES`] subtrees wide for each shard. Down to there every shard
//! walks it; a subtree belongs to one shard, by a checksum of the choices that lead there: to the same on every
//! machine. So the shards together explore all that there is. A schedule that ends above the cut is everybody's.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How many subtrees there are for each shard, about: enough for the shards to be of one size, and few to walk to.
const SUBTREES: u64 = 16;

/// Which part, of how many. The only one, by default: the whole.
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::Kind;
/// # use sim_core::explore::scheduler::Shard;
/// # use sim_core::explore::stepped::{Limits, explore};
/// # use sim_core::machine::Fences;
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let exploration = explore(&program, Limits { shard: Shard::parse("1/2").unwrap(), ..Limits::default() });
/// assert_eq!(exploration.verdict.kind(), Kind::Inconclusive, "a half is no proof");
/// assert!(exploration.unexplored.elsewhere > 0);
/// assert!(Shard::parse("3/2").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    number: u32,
    count: u32,
}

/// Why there is no such shard.
///
/// See [`Shard`] for an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Not two numbers.
    #[error("`{0}` is no shard: two numbers are expected, as in 1/4, the first of four")]
    Form(String),
    /// Of none.
    #[error("there is no shard {0}/0: of how many shards?")]
    OfNone(u32),
    /// Not among those that there are.
    #[error("there is no shard {number}/{count}: shards are counted from 1/{count} to {count}/{count}")]
    OutOfRange {
        /// Which was asked for.
        number: u32,
        /// How many there are.
        count: u32,
    },
}

impl Shard {
    /// The whole.
    pub const WHOLE: Self = Self { number: 1, count: 1 };

    /// The shard with this number, counted from 1, of `count`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn new(number: u32, count: u32) -> Result<Self, ShardError> {
        match count {
            0 => Err(ShardError::OfNone(number)),
            _ if (1..=count).contains(&number) => Ok(Self { number, count }),
            _ => Err(ShardError::OutOfRange { number, count }),
        }
    }

    /// The shard that `text` names, as in `1/4`.
    ///
    /// # Errors
    ///
    /// If it names none.
    pub fn parse(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let (number, count) = text.trim().split_once('/').ok_or_else(form)?;
        let [number, count] = [number, count].map(|digits| digits.parse::<u32>().map_err(|_| form()));
        Self::new(number?, count?)
    }

    /// Whether there is no other.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Whether the tree is cut where it is so wide.
    pub(super) fn cuts_at(self, width: u64) -> bool {
        self.is_whole() || width >= SUBTREES * u64::from(self.count)
    }

    /// Whether the subtree below these choices is part of it.
    pub(super) fn owns(self, choices: impl Iterator<Item = usize>) -> bool {
        let bytes: Vec<u8> = choices.flat_map(usize::to_le_bytes).collect();
        crc32fast::hash(&bytes) % self.count == self.number - 1
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_comes_back_as_it_was_written() {
        for text in ["1/1", "1/4", "4/4", "7/1000"] {
            assert_eq!(Shard::parse(text).map(|shard| shard.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Shard::parse("1/1"), Ok(Shard::WHOLE));
    }

    #[test]
    fn shard_that_there_is_not_is_an_error_by_name() {
        let said = |text: &str| Shard::parse(text).expect_err("there is none").to_string();
        assert_eq!(said("0/4"), "there is no shard 0/4: shards are counted from 1/4 to 4/4");
        assert_eq!(said("5/4"), "there is no shard 5/4: shards are counted from 1/4 to 4/4");
        assert_eq!(said("1/0"), "there is no shard 1/0: of how many shards?");
        for text in ["", "1", "/", "1/", "/4", "one/4", "-1/4", "1/4/4", "1 of 4", "1/99999999999"] {
            assert_eq!(Shard::parse(text), Err(ShardError::Form(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn every_subtree_is_owned_by_one_shard() {
        for count in 1..=5 {
            let shards: Vec<_> = (1..=count).map(|number| Shard::new(number, count).expect("in range")).collect();
            let mut owned = vec![0; shards.len()];
            for path in 0..64_usize {
                let choices = || (0..6).map(move |bit| path >> bit & 1);
                let owners: Vec<_> = (0..shards.len()).filter(|&shard| shards[shard].owns(choices())).collect();
                assert_eq!(owners.len(), 1, "{path:06b}");
                owned[owners[0]] += 1;
            }
            assert!(owned.iter().all(|&subtrees| subtrees > 0), "{owned:?}");
        }
    }
}
