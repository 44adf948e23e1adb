//! Every schedule, depth first: all of them, those with few preemptions, or one shard of them.
//!
//! # Preemptions
//!
//! Somebody else takes a step where the CPU could go on: each such step is a preemption. Where a schedule has had all
//! that it may have, the CPU goes on, as long as it does not wait; what the others would have done is left out, and
//! such choice points are counted. If there is none in the end, the bound has left nothing out.
//!
//! # States
//!
//! A state that was reached before is left, if as many preemptions were left then: what follows was explored. Above the
//! cut between shards (see [`Shard`]) no state is left: what follows there is explored by several, and nobody has all.

use std::collections::HashMap;
use std::ops::Range;

use super::{Choice, Scheduler, Shard};

/// Which schedules. All, by default.
///
/// See [`Shard`], and [`Exhaustive`], for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Preemptions in one schedule, at most.
    pub preemptions: Option<u32>,
    /// Which part of the tree of choices.
    pub shard: Shard,
}

/// A choice of the schedule that is being run.
#[derive(Clone, Copy, Debug)]
struct Taken {
    pick: usize,
    options: usize,
    /// How many of the options may be taken: the first.
    allowed: usize,
    cpu: bool,
    /// Below it, a subtree belongs to one shard.
    is_cut: bool,
}

/// What is known about a state.
#[derive(Clone, Copy, Debug)]
struct Visit {
    /// How many preemptions were left.
    left: u32,
    /// None was, and the CPU could go on.
    is_bounded: bool,
}

/// Why the rest of a schedule is not explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// The state was reached before.
    ToThePast,
    /// It is part of other shards.
    ToOthers,
}

/// Every schedule, depth first.
///
/// ```
/// # use sim_core::explore::scheduler::{Choice, Exhaustive, Other, Others, Scheduler};
/// let mut others = Others::NOBODY;
/// others.insert(Other::Engine);
/// let choice = Choice::new(true, others);
/// // Two choices of two options each.
/// let mut exhaustive = Exhaustive::new(false);
/// let mut schedules = Vec::new();
/// loop {
///     schedules.push([exhaustive.choose(choice, &|| 0), exhaustive.choose(choice, &|| 0)]);
///     if !exhaustive.advance() {
///         break;
///     }
/// }
/// schedules.sort();
/// assert_eq!(schedules, [[0, 0], [0, 1], [1, 0], [1, 1]]);
/// ```
#[derive(Debug)]
pub struct Exhaustive {
    bounds: Bounds,
    visits_once: bool,
    path: Vec<Taken>,
    position: usize,
    /// Preemptions of this schedule so far.
    preemptions: u32,
    /// How wide the tree is where this schedule is, until it is cut.
    width: u64,
    left: Option<Left>,
    visited: HashMap<u64, Visit>,
    /// Choice points without a preemption left, outside of `visited`.
    bounded: u64,
    elsewhere: u64,
}

impl Exhaustive {
    /// Before the first schedule. `visits_once`: a state that was reached before is not explored again.
    pub fn new(visits_once: bool) -> Self {
        Self::within(Bounds::default(), visits_once)
    }

    /// Likewise, within bounds.
    pub fn within(bounds: Bounds, visits_once: bool) -> Self {
        Self {
            bounds,
            visits_once,
            path: Vec::new(),
            position: 0,
            preemptions: 0,
            width: 1,
            left: None,
            visited: HashMap::new(),
            bounded: 0,
            elsewhere: 0,
        }
    }

    /// Goes on to the next schedule. `false` when there is none.
    pub fn advance(&mut self) -> bool {
        (self.position, self.preemptions, self.width, self.left) = (0, 0, 1, None);
        while let Some(taken) = self.path.pop() {
            if let Some(pick) = self.first_of(taken.pick + 1..taken.allowed, taken.is_cut) {
                self.path.push(Taken { pick, ..taken });
                return true;
            }
        }
        false
    }

    /// How many distinct states had a choice to make.
    pub fn states(&self) -> usize {
        self.visited.len()
    }

    /// Whether the last schedule was cut off because it came back to a state that was reached before.
    pub fn was_cut(&self) -> bool {
        self.left == Some(Left::ToThePast)
    }

    /// Whether the last schedule is part of other shards.
    pub fn was_left_to_others(&self) -> bool {
        self.left == Some(Left::ToOthers)
    }

    /// At how many choice points, so far, the CPU went on only because no preemption was left.
    pub fn bounded(&self) -> u64 {
        self.bounded + self.visited.values().filter(|visit| visit.is_bounded).count() as u64
    }

    /// How many subtrees, so far, were left to other shards.
    pub fn elsewhere(&self) -> u64 {
        self.elsewhere
    }

    /// The first of these options after the path, of those that are part of the shard.
    fn first_of(&self, mut picks: Range<usize>, is_cut: bool) -> Option<usize> {
        picks.find(|&pick| !is_cut || self.owns(pick))
    }

    fn owns(&self, pick: usize) -> bool {
        self.bounds.shard.owns(self.path.iter().map(|taken| taken.pick).chain([pick]))
    }

    /// The schedule goes on with this.
    fn take(&mut self, taken: Taken) -> usize {
        self.position += 1;
        self.preemptions += u32::from(taken.cpu && taken.pick > 0);
        if !self.bounds.shard.cuts_at(self.width) {
            self.width = self.width.saturating_mul(taken.allowed as u64);
        }
        taken.pick
    }

    /// A choice point that this schedule is the first to reach. `None` if the rest is left.
    fn arrive(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> Result<Taken, Left> {
        let left = self.bounds.preemptions.map_or(u32::MAX, |most| most - self.preemptions);
        let is_bounded = choice.cpu && left == 0;
        let allowed = if is_bounded { 1 } else { choice.options };
        let shard = self.bounds.shard;
        let is_below = shard.cuts_at(self.width);
        if self.visits_once && is_below {
            let visit = self.visited.entry(state());
            let mut is_news = false;
            let known = visit.or_insert_with(|| {
                is_news = true;
                Visit { left, is_bounded }
            });
            if !is_news && known.left >= left {
                return Err(Left::ToThePast);
            }
            *known = Visit { left, is_bounded };
        } else {
            self.bounded += u64::from(is_bounded);
        }
        let is_cut = !is_below && shard.cuts_at(self.width.saturating_mul(allowed as u64));
        if is_cut {
            self.elsewhere += (0..allowed).filter(|&pick| !self.owns(pick)).count() as u64;
        }
        let pick = self.first_of(0..allowed, is_cut).ok_or(Left::ToOthers)?;
        Ok(Taken { pick, options: choice.options, allowed, cpu: choice.cpu, is_cut })
    }
}

impl Scheduler for Exhaustive {
    fn choose(&mut self, choice: Choice, state: &dyn Fn() -> u64) -> usize {
        if self.left.is_some() {
            return choice.others_first();
        }
        if let Some(&taken) = self.path.get(self.position) {
            assert_eq!(taken.options, choice.options, "the program must be a function of what it reads, and it is not");
            return self.take(taken);
        }
        match self.arrive(choice, state) {
            Ok(taken) => {
                self.path.push(taken);
                self.take(taken)
            }
            Err(left) => {
                self.left = Some(left);
                choice.others_first()
            }
        }
    }

    fn asks_for_states(&self) -> bool {
        self.visits_once && self.left.is_none()
    }

    fn lets_others_run(&self) -> bool {
        self.left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::explore::scheduler::Others;

    const THREE: Choice = Choice { options: 3, cpu: true, others: Others::NOBODY };

    #[test]
    fn exhaustive_takes_every_path_once() {
        let mut scheduler = Exhaustive::new(true);
        let mut paths = Vec::new();
        loop {
            let first = scheduler.choose(THREE, &|| 0);
            let second = scheduler.choose(THREE, &|| 1 + first as u64);
            paths.push((first, second));
            if !scheduler.advance() {
                break;
            }
        }
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), 9);
    }

    #[test]
    fn exhaustive_without_memory_cuts_nothing_off() {
        let mut scheduler = Exhaustive::new(false);
        let mut schedules = 0;
        loop {
            scheduler.choose(THREE, &|| 0);
            scheduler.choose(THREE, &|| 1);
            schedules += 1;
            if !scheduler.advance() {
                break;
            }
        }
        assert_eq!((schedules, scheduler.states()), (9, 0));
    }

    #[test]
    fn exhaustive_cuts_off_a_state_it_has_seen() {
        let mut scheduler = Exhaustive::new(true);
        let mut schedules = 0;
        loop {
            scheduler.choose(THREE, &|| 0);
            scheduler.choose(THREE, &|| 1);
            schedules += 1;
            if !scheduler.advance() {
                break;
            }
        }
        assert_eq!(schedules, 5, "three for the first path, one for each way back to its state");
    }

    /// All schedules of so many choices among three, each to a state of its own, as lists of picks.
    fn paths(choices: usize, bounds: Bounds) -> (Vec<Vec<usize>>, Exhaustive) {
        let mut scheduler = Exhaustive::within(bounds, true);
        let mut paths = Vec::new();
        loop {
            let mut path = Vec::new();
            for _ in 0..choices {
                let state = path.iter().fold(1, |state, pick| 4 * state + pick) as u64;
                path.push(scheduler.choose(THREE, &|| state));
            }
            assert!(!scheduler.was_cut());
            if !scheduler.was_left_to_others() {
                paths.push(path);
            }
            if !scheduler.advance() {
                return (paths, scheduler);
            }
        }
    }

    #[test]
    fn shards_are_disjoint_and_all_that_there_is() {
        let (whole, _) = paths(7, Bounds::default());
        let mut seen = HashSet::new();
        for number in 1..=4 {
            let shard = Shard::new(number, 4).expect("in range");
            let (part, scheduler) = paths(7, Bounds { shard, ..Bounds::default() });
            assert!(part.len() > whole.len() / 10, "{} of {}", part.len(), whole.len());
            assert_eq!(scheduler.elsewhere() + part.len() as u64 / 27, 81, "subtrees of 3 choices each");
            assert!(part.into_iter().all(|path| seen.insert(path)), "explored twice");
        }
        assert_eq!((seen.len(), whole.len()), (2187, 2187));
    }

    #[test]
    fn schedules_with_few_preemptions_are_exactly_those() {
        for most in 0..=4 {
            let (whole, _) = paths(4, Bounds::default());
            let (some, scheduler) = paths(4, Bounds { preemptions: Some(most), ..Bounds::default() });
            let preemptions = |path: &&Vec<usize>| path.iter().filter(|&&pick| pick > 0).count() <= most as usize;
            let expected: Vec<_> = whole.iter().filter(preemptions).cloned().collect();
            assert_eq!(some, expected, "{most}");
            assert_eq!(scheduler.bounded() == 0, most == 4, "what is left out is counted, and nothing else");
        }
    }

    #[test]
    fn state_that_is_reached_with_more_preemptions_left_is_explored_again() {
        let mut scheduler = Exhaustive::within(Bounds { preemptions: Some(1), ..Bounds::default() }, true);
        let waits = Choice { cpu: false, ..THREE };
        let mut explored = Vec::new();
        loop {
            // State 2 is reached by a preemption from state 1, and without one: the latter comes later.
            let mut path = vec![scheduler.choose(waits, &|| 0)];
            if path[0] == 0 {
                path.push(scheduler.choose(THREE, &|| 1));
            }
            if path != [0, 0] {
                path.push(scheduler.choose(THREE, &|| 2));
            }
            if !scheduler.was_cut() {
                explored.push(path);
            }
            if !scheduler.advance() {
                break;
            }
        }
        assert_eq!(explored, [vec![0, 0], vec![0, 1, 0], vec![1, 0], vec![1, 1], vec![1, 2]]);
        assert_eq!(scheduler.bounded(), 0, "what the first visit left out, the second has explored");
    }
}
