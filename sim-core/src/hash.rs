//! One number for many parts, the same in every run: what explorers know states by.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

/// The same for the same parts in every run. Nobody chooses states to collide: a hash that mixes well is enough.
pub(crate) fn hash(parts: impl Hash) -> u64 {
    FixedState::default().hash_one(parts)
}
