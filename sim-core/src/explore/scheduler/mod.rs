//! Who goes on at a choice point: immediate, seeded, timed, exhaustive, replay.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

mod exhaustive;
mod others;
mod shard;
mod timed;

pub use exhaustive::{Bounds, Exhaustive};
pub use others::{Other, Others, WHIMS};
pub use shard::{Shard, ShardError};
pub use timed::{Timed, Timing};

/// A moment at which more than one master can go on.
///
/// See [`Scheduler`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// How many can, two or more.
    pub options: usize,
    /// Whether option 0 is the CPU. If not, the CPU waits for something, and all options are others.
    pub cpu: bool,
    /// The others.
    pub others: Others,
}

impl Choice {
    /// A choice among these.
    pub fn new(cpu: bool, others: Others) -> Self {
        Self { options: others.count() + usize::from(cpu), cpu, others }
    }

    /// The option that lets the others run before the CPU: the order in which they stand.
    pub fn others_first(self) -> usize {
        usize::from(self.cpu)
    }
}

/// Decides who goes on.
///
/// ```
/// # use std::cell::RefCell;
/// # use std::rc::Rc;
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::scheduler::{Choice, Scheduler};
/// # use sim_core::explore::{Kind, stepped};
/// # use sim_core::machine::Fences;
/// /// Lets the CPU go on for as long as it can.
/// struct CpuFirst;
///
/// impl Scheduler for CpuFirst {
///     fn choose(&mut self, choice: Choice, _state: &dyn Fn() -> u64) -> usize {
///         assert!(choice.options >= 2);
///         0
///     }
/// }
///
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let run = stepped::run(&program, &Rc::new(RefCell::new(CpuFirst)), None);
/// assert_eq!(run.verdict.kind(), Kind::Sound);
/// ```
pub trait Scheduler {
    /// One of `0..choice.options`. `state` identifies where the system is, at a cost.
    fn choose(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> usize;

    /// Whether it may ask for `state` in the rest of the run. If not, nobody keeps what a state is made of.
    fn asks_for_states(&self) -> bool {
        true
    }

    /// Whether it is asked where there is one option, too: it keeps the time.
    fn is_asked_always(&self) -> bool {
        false
    }

    /// Whether it takes [`Choice::others_first`], whatever the choice, in the rest of the run. Then an engine can move
    /// word after word: who goes on after one is known.
    fn lets_others_run(&self) -> bool {
        false
    }
}

/// Everybody else runs before the CPU does: a transfer takes no time, as in other simulators.
///
/// See [`Scheduler`] for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Immediate;

impl Scheduler for Immediate {
    fn choose(&mut self, choice: Choice, _state: &dyn Fn() -> u64) -> usize {
        choice.others_first()
    }

    fn asks_for_states(&self) -> bool {
        false
    }

    fn lets_others_run(&self) -> bool {
        true
    }
}

/// Anybody, at random; the same for the same seed, on every machine.
///
/// See [`stepped::run`](crate::explore::stepped::run) for an example.
#[derive(Debug)]
pub struct Seeded(ChaCha8Rng);

impl Seeded {
    /// The schedule of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
}

impl Scheduler for Seeded {
    fn choose(&mut self, choice: Choice, _state: &dyn Fn() -> u64) -> usize {
        // The bias is below 2^-60 for the handful of options there are.
        let options = choice.options as u64;
        usize::try_from(self.0.next_u64() % options).expect("less than `options`, which is a usize")
    }

    fn asks_for_states(&self) -> bool {
        false
    }
}

/// Choices that were made before.
///
/// See [`stepped::Run`](crate::explore::stepped::Run) for an example.
#[derive(Debug)]
pub struct Replay {
    choices: Vec<u8>,
    position: usize,
    diverged: bool,
}

impl Replay {
    /// Makes these choices, then lets the others run first.
    pub fn new(choices: Vec<u8>) -> Self {
        Self { choices, position: 0, diverged: false }
    }

    /// Whether the run took the same turns: every choice was there to be made, and none was left over.
    pub fn was_faithful(&self) -> bool {
        !self.diverged && self.position == self.choices.len()
    }
}

impl Scheduler for Replay {
    fn choose(&mut self, choice: Choice, _state: &dyn Fn() -> u64) -> usize {
        let next = self.choices.get(self.position).map(|&pick| usize::from(pick));
        self.position += usize::from(next.is_some());
        match next {
            Some(pick) if pick < choice.options => pick,
            _ => {
                self.diverged = true;
                choice.others_first()
            }
        }
    }

    fn asks_for_states(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Choice = Choice { options: 3, cpu: true, others: Others::NOBODY };

    #[test]
    fn seeded_repeats_itself_and_differs_by_seed() {
        let run = |seed| {
            let mut scheduler = Seeded::new(seed);
            (0..40).map(|_| scheduler.choose(THREE, &|| 0)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn replay_notices_choices_that_are_missing_left_over_or_impossible() {
        let faithful = |choices: &[u8], made: usize| {
            let mut scheduler = Replay::new(choices.to_vec());
            for _ in 0..made {
                scheduler.choose(THREE, &|| 0);
            }
            scheduler.was_faithful()
        };
        assert!(faithful(&[0, 2], 2));
        assert!(!faithful(&[0, 2], 1));
        assert!(!faithful(&[0], 2));
        assert!(!faithful(&[0, 3], 2));
    }
}
