//! Schedules on which the CPU comes to its turn: seeded, with a pace.
//!
//! A driver's call is many register accesses, and before each the others may go on. Where everybody has the same
//! chance, the host is at its end before the firmware has made a few calls. So the CPU's chance grows with the pace,
//! which is part of the seed; the others still take several steps at once, now and then.

use sim_core::explore::scheduler::{Choice, Scheduler, Seeded};

/// How many chances the CPU has, to one of each other.
const PACES: [usize; 4] = [1, 3, 9, 27];

/// A seeded schedule with a pace.
#[derive(Debug)]
pub struct Paced {
    seeded: Seeded,
    chances: usize,
}

impl Paced {
    /// The schedule of this seed.
    pub fn new(seed: u32) -> Self {
        let [low, ..] = seed.to_le_bytes();
        Self { seeded: Seeded::new(seed.into()), chances: PACES[usize::from(low) % PACES.len()] }
    }
}

impl Scheduler for Paced {
    fn choose(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> usize {
        if !choice.cpu {
            return self.seeded.choose(choice, state);
        }
        let others = choice.options - 1;
        let drawn = self.seeded.choose(Choice { options: self.chances + others, ..choice }, state);
        (drawn + 1).saturating_sub(self.chances)
    }

    fn asks_for_states(&self) -> bool {
        self.seeded.asks_for_states()
    }
}

#[cfg(test)]
mod tests {
    use sim_core::explore::scheduler::Others;

    use super::*;

    fn shares(seed: u32, cpu: bool) -> [usize; 3] {
        let mut scheduler = Paced::new(seed);
        let mut shares = [0; 3];
        for _ in 0..2900 {
            shares[scheduler.choose(Choice { options: 3, cpu, others: Others::NOBODY }, &|| 0)] += 1;
        }
        shares
    }

    #[test]
    fn every_option_is_taken_and_the_cpu_more_often_at_a_higher_pace() {
        for (seed, cpu) in [(0, 967), (1, 1740), (2, 2373), (3, 2700)] {
            let [first, second, third] = shares(seed, true);
            assert!(first.abs_diff(cpu) < 150, "seed {seed}: the CPU {first} times, expected about {cpu}");
            assert!(second.abs_diff(third) < 150 && second.min(third) > 50, "seed {seed}: {second}, {third}");
        }
    }

    #[test]
    fn nobody_is_preferred_where_the_cpu_waits() {
        assert!(shares(3, false).into_iter().all(|share| share.abs_diff(967) < 150));
    }
}
