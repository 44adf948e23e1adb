//! Who goes on is whose time has come: every step takes its cycles.
//!
//! No document that we know of says how long EasyDMA takes for a word, or to capture a job (hardware reference, open
//! questions): they are parameters. Exploration needs none: it lets every step take any time. This scheduler is for
//! runs that look like a chip's, in a waveform, and for "does it hold if the DMA is this slow?".
//!
//! *Not modelled*: cycles in which the CPU does not touch the chip, and those of a CPU that polls in vain: it waits, as
//! for every scheduler, until what it polls has changed.

use super::{Choice, Other, Scheduler};

/// How long things take, in cycles of any length.
///
/// See [`Timed`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// A register access of the CPU.
    pub access: u64,
    /// From START to the first word.
    pub latch: u64,
    /// A word of a transfer, and its END.
    pub beat: u64,
    /// From ENABLE to READY, and from LOWPOWER=0 to USBWUALLOWED.
    pub ready: u64,
    /// A read or a write of an item, by the DMA of an STM32.
    pub item: u64,
    /// A frame on a serial line.
    pub frame: u64,
    /// The regulator's and the crystal's time to settle.
    pub supply: u64,
    /// Between two things that a data cache does by itself.
    pub cache: u64,
    /// Between two steps of the host.
    pub host: u64,
}

impl Default for Timing {
    /// Made up: a word and an item take as long as an access, and host and wire are slow.
    fn default() -> Self {
        Self { access: 1, latch: 4, beat: 1, item: 1, frame: 64, ready: 100, supply: 1000, cache: 16, host: 64 }
    }
}

/// Those whose times are kept apart.
const MASTERS: usize = 12;
const CPU: usize = 0;

/// Everybody in their time; at the same time, the CPU first.
///
/// ```
/// # use std::cell::RefCell;
/// # use std::rc::Rc;
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::scheduler::{Timed, Timing};
/// # use sim_core::explore::{Kind, stepped};
/// # use sim_core::machine::Fences;
/// // A bus that is slow for the DMA: four cycles a word.
/// let schedule = Timed::new(Timing { beat: 4, ..Timing::default() });
/// let program = BackToBack { packets: 1, length: 8, fences: Fences::default() };
/// let run = stepped::run(&program, &Rc::new(RefCell::new(schedule)), None);
/// assert_eq!(run.verdict.kind(), Kind::Sound);
/// ```
#[derive(Clone, Debug)]
pub struct Timed {
    timing: Timing,
    now: u64,
    /// When the next step of each is due, of those who can go on.
    due: [Option<u64>; MASTERS],
}

impl Timed {
    /// A schedule with these times.
    pub fn new(timing: Timing) -> Self {
        Self { timing, now: 0, due: [None; MASTERS] }
    }

    /// Where the master's time is kept, how long its first step takes, and the others.
    fn times(&self, other: Other) -> (usize, [u64; 2]) {
        let Timing { latch, beat, item, frame, ready, supply, cache, host, .. } = self.timing;
        match other {
            // A write and a word that are on their way are no slower than an access.
            Other::Posted(_) | Other::Late(_) => (11, [1; 2]),
            Other::Handler => (1, [0; 2]),
            Other::Power => (2, [ready; 2]),
            Other::Supply(_) => (3, [supply; 2]),
            Other::Engine => (4, [latch + beat, beat]),
            Other::Host(_) => (5, [host; 2]),
            Other::Dma(controller) => (6 + usize::from(controller), [item; 2]),
            Other::Wire(usart) => (8 + usize::from(usart), [frame; 2]),
            Other::Cache(_) => (11, [cache; 2]),
        }
    }
}

impl Scheduler for Timed {
    fn choose(&mut self, choice: Choice, _state: &dyn Fn() -> u64) -> usize {
        let cpu = choice.cpu.then_some((CPU, [self.timing.access; 2]));
        let options: Vec<_> = cpu.into_iter().chain(choice.others.iter().map(|other| self.times(other))).collect();
        for master in 0..MASTERS {
            let first = options.iter().find(|(place, _)| *place == master).map(|(_, [first, _])| self.now + first);
            self.due[master] = self.due[master].and(first.and(self.due[master])).or(first);
        }
        let due = |&(_, (place, _)): &(usize, &(usize, _))| self.due[*place];
        let (pick, &(place, [_, next])) = options.iter().enumerate().min_by_key(due).expect("somebody can go on");
        self.now = self.due[place].unwrap_or(self.now);
        self.due[place] = Some(self.now + next);
        pick
    }

    fn asks_for_states(&self) -> bool {
        false
    }

    fn is_asked_always(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::scheduler::Others;
    use crate::host::fault::Course;

    fn choice(cpu: bool, others: &[Other]) -> Choice {
        let mut set = Others::default();
        set.extend(others.iter().copied());
        Choice::new(cpu, set)
    }

    /// Who goes on, a letter each: the CPU, the engine, the host.
    fn order(timing: Timing, cpu: bool, steps: usize) -> String {
        let others = [Other::Engine, Other::Host(Course::AsTold)];
        let mut timed = Timed::new(timing);
        let picks = (0..steps).map(|_| timed.choose(choice(cpu, &others), &|| 0) + usize::from(!cpu));
        picks.map(|pick| ["C", "E", "H"][pick]).collect()
    }

    #[test]
    fn step_comes_when_its_time_has_come() {
        let timing = Timing { access: 2, latch: 3, beat: 4, host: 9, ..Timing::default() };
        // CPU at 2, 4, 6, ...; engine at 7, 11, 15; host at 9, 18.
        assert_eq!(order(timing, true, 14), "CCCECHCECCECCH");
    }

    #[test]
    fn cpu_that_waits_takes_no_time() {
        // Engine at 10, 20, 30, 40, 50; host at 25, 50.
        let timing = Timing { latch: 0, beat: 10, host: 25, ..Timing::default() };
        assert_eq!(order(timing, false, 7), "EEHEEEH");
    }

    #[test]
    fn second_transfer_is_latched_anew() {
        let mut timed = Timed::new(Timing { access: 1, latch: 2, beat: 1, ..Timing::default() });
        let mut picks = |others: &[Other], steps: usize| -> Vec<_> {
            (0..steps).map(|_| timed.choose(choice(true, others), &|| 0)).collect()
        };
        assert_eq!(picks(&[Other::Engine], 5), [0, 0, 0, 1, 0]);
        assert_eq!(picks(&[], 1), [0]);
        assert_eq!(picks(&[Other::Engine], 4), [0, 0, 0, 1]);
    }
}
