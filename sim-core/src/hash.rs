//! One number for many parts, the same in every run: what explorers know states by.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

/// The same for the same parts in every run. Nobody chooses states to collide: a hash that mixes well is enough.
pub(crate) fn hash(parts: impl Hash) -> u64 {
    FixedState::default().hash_one(parts)
}

/// No two of these are taken for one another by who knows them by their hash.
///
/// # Panics
///
/// If two have the same hash: with both.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_told_apart<T: Hash + std::fmt::Debug>(values: impl IntoIterator<Item = T>) {
    let mut seen = std::collections::HashMap::new();
    for value in values {
        let (key, value) = (hash(&value), format!("{value:?}"));
        if let Some(other) = seen.insert(key, value.clone()) {
            panic!("these have the same hash:\n{other}\n{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "these have the same hash:\nFirst\nSecond")]
    fn values_that_are_hashed_alike_are_both_shown() {
        #[derive(Debug)]
        enum Forgetful {
            First,
            Second,
        }

        impl Hash for Forgetful {
            fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
        }

        assert_told_apart([Forgetful::First, Forgetful::Second]);
    }
}
