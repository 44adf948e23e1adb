//! All that is asked of the paths: which fences they need, what to do about a data cache, which quirks they survive.

use std::thread;

use super::needed::{Needed, Needs};
use super::programs::Path;
use super::quirks::Tried;
use super::upkeep::Chores;
use crate::quirks::Quirks;

/// What was found of each path, in the order of [`Path::ALL`].
///
/// See [`Needs`], [`Chores`] and [`Tried`] for an example.
#[derive(Debug, Default)]
pub struct Paths {
    /// Which fences it needs.
    pub needs: Vec<Needs>,
    /// What its fences have to do about a data cache.
    pub chores: Vec<Chores>,
    /// What becomes of it with each of [`Quirks::EACH`].
    pub quirks: Vec<Tried>,
}

impl Paths {
    /// How many questions [`judge`](Self::judge) asks.
    pub const QUESTIONS: usize = Path::ALL.len() * (2 + Quirks::EACH.len());

    /// Asks them all, on three threads. `tell` is called before each.
    pub fn judge(tell: impl Fn(String) + Sync) -> Self {
        let needs = |path: Path| {
            tell(path.to_string());
            Needs::of(path)
        };
        let chores = |path: Path| {
            tell(format!("{path}, with a data cache"));
            Chores::of(path)
        };
        let quirks = |path: Path| {
            Quirks::EACH.map(|quirks| {
                tell(format!("{path}, {quirks}"));
                Tried::check(path, quirks)
            })
        };
        thread::scope(|scope| {
            let needs = scope.spawn(|| Path::ALL.map(needs).into());
            let chores = scope.spawn(|| Path::ALL.map(chores).into());
            let quirks = Path::ALL.into_iter().flat_map(quirks).collect();
            let panicked = "an explorer catches what it runs";
            Self { needs: needs.join().expect(panicked), chores: chores.join().expect(panicked), quirks }
        })
    }

    /// Whether each answer is as expected.
    pub fn verdicts(&self) -> impl Iterator<Item = bool> {
        let fences = self.needs.iter().flat_map(|needs| &needs.fences).map(Needed::is_as_expected);
        let chores = self.chores.iter().map(Chores::is_as_expected);
        fences.chain(chores).chain(self.quirks.iter().map(Tried::is_as_expected))
    }
}
