//! Vector clocks: does this access happen after that one?
//!
//! Each master (the CPU, the DMA engine) carries a [`Clock`]: how much of every master's past it has seen *in order*.
//! What moves knowledge from one to the other is the pair of a fence and a register:
//!
//! 1. a release fence stamps what the master writes to registers from then on;
//! 2. a register read collects the stamp of what it reads;
//! 3. an acquire fence makes what was collected part of the master's past.
//!
//! Leave one out and the other side's accesses are not in the past: a [`Conflict`]. This is C11's rule for relaxed
//! atomics and fences, with registers as the atomics: a device's registers are always read as their latest value, so
//! on every schedule the clocks alone decide.
//!
//! A stamp is replaced by the next write to the same place, whoever makes it, as in C++20 (a release sequence goes on
//! through read-modify-writes only, and a register has none).

use super::Site;

/// How many masters there can be.
pub const MASTERS: usize = 4;

/// A vector clock: for each master, the last moment of it that is known.
///
/// See [`Master`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clock([u32; MASTERS]);

impl Clock {
    /// Adds what `other` knows.
    pub fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = theirs.max(*mine);
        }
    }

    /// Whether all of it is in the past of `master`. What a master has done itself is. Most accesses are ordered: this
    /// says so without a branch for each master.
    fn is_known_to(&self, master: &Master) -> bool {
        self.0.iter().zip(master.now.0).fold(true, |known, (mine, past)| known & (*mine <= past))
    }
}

/// What one master knows.
///
/// ```
/// # use sim_core::monitor::clocks::{Access, Cell, Master};
/// let (mut cpu, mut dma) = (Master::new(0), Master::new(1));
/// let (mut buffer, mut register);
/// buffer = Cell::default();
///
/// assert_eq!(buffer.access(&cpu, Access::Write, None), None);
/// cpu.release_fence();
/// register = cpu.stamp(); // START
/// dma.collect(&register);
/// dma.acquire_fence();
/// assert_eq!(buffer.access(&dma, Access::Read, None), None, "the CPU's write is in the past");
///
/// assert_eq!(buffer.access(&cpu, Access::Write, None).unwrap().master, 1, "nothing orders it behind the DMA's read");
/// # let _ = &mut register;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Master {
    index: usize,
    now: Clock,
    released: Clock,
    collected: Clock,
}

impl Master {
    /// The master with this index, which knows nothing of the others.
    ///
    /// # Panics
    ///
    /// If the index is not below [`MASTERS`].
    pub fn new(index: usize) -> Self {
        let mut now = Clock::default();
        now.0[index] = 1;
        Self { index, now, released: Clock::default(), collected: Clock::default() }
    }

    /// A release fence: register writes from now on carry all that the master has done.
    pub fn release_fence(&mut self) {
        self.released = self.now;
        self.now.0[self.index] += 1;
    }

    /// An acquire fence: what register reads have collected is in the past from now on.
    pub fn acquire_fence(&mut self) {
        self.now.join(&self.collected);
    }

    /// What register reads have collected up to now.
    pub fn collected(&self) -> Clock {
        self.collected
    }

    /// Whether a register read of a value with this stamp would collect something new.
    pub fn is_news(&self, stamp: &Clock) -> bool {
        self.collected.0.iter().zip(stamp.0).any(|(mine, theirs)| *mine < theirs)
    }

    /// An acquire fence of an earlier moment, when reads had collected so much.
    pub fn acquire_fence_of(&mut self, collected: &Clock) {
        self.now.join(collected);
    }

    /// The stamp of a register write.
    pub fn stamp(&self) -> Clock {
        self.released
    }

    /// A register read, of a value with this stamp.
    pub fn collect(&mut self, stamp: &Clock) {
        self.collected.join(stamp);
    }
}

/// Read or write.
///
/// See [`Master`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The memory is read.
    Read,
    /// The memory is written.
    Write,
}

/// Two accesses, at least one of them a write, that nothing orders.
///
/// See [`Master`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the earlier access did.
    pub access: Access,
    /// The master that made the earlier access.
    pub master: usize,
    /// Where, if its maker said.
    pub site: Option<Site>,
}

/// The accesses to one piece of memory.
///
/// See [`Master`] for an example.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    writes: Clock,
    reads: Clock,
    sites: [Option<Site>; MASTERS],
}

impl Cell {
    /// `master` accesses the cell. Returns an earlier access that it conflicts with.
    pub fn access(&mut self, master: &Master, access: Access, site: Option<Site>) -> Option<Conflict> {
        let conflict = if self.is_ordered(master, access) { None } else { self.conflict(master, access) };
        self.note(master, access, site);
        conflict
    }

    /// Whether an access by `master` would come after all that it conflicts with.
    #[inline]
    pub(super) fn is_ordered(&self, master: &Master, access: Access) -> bool {
        self.writes.is_known_to(master) && (access == Access::Read || self.reads.is_known_to(master))
    }

    /// An access of another that one by `master` conflicts with, that it has been told of by a register, and that is
    /// not in its past: it has not passed an acquire fence since.
    pub(super) fn unfenced(&self, master: &Master, access: Access) -> Option<Conflict> {
        let conflicting: &[Access] =
            if access == Access::Read { &[Access::Write] } else { &[Access::Write, Access::Read] };
        let others = (0..MASTERS).filter(|&other| other != master.index);
        others.flat_map(|other| conflicting.iter().map(move |access| (other, *access))).find_map(|(other, access)| {
            let at = if access == Access::Write { self.writes } else { self.reads }.0[other];
            let is_told_only = at > master.now.0[other] && at <= master.collected.0[other];
            is_told_only.then(|| Conflict { access, master: other, site: self.sites[other] })
        })
    }

    /// Notes an access by `master`.
    #[inline]
    pub(super) fn note(&mut self, master: &Master, access: Access, site: Option<Site>) {
        let clock = match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        };
        clock.0[master.index] = master.now.0[master.index];
        self.sites[master.index] = site;
    }

    /// The cell of a word that is accessed alike, so many words on.
    pub(super) fn later(&self, words: usize) -> Self {
        Self { sites: self.sites.map(|site| site.map(|site| site.later(words))), ..self.clone() }
    }

    /// Whether `other` is the cell of a word that was accessed alike, so many words on.
    pub(super) fn is_earlier(&self, other: &Self, words: usize) -> bool {
        (self.writes, self.reads) == (other.writes, other.reads)
            && self.sites.iter().zip(&other.sites).all(|(site, other)| site.map(|site| site.later(words)) == *other)
    }

    /// An earlier access that one by `master` conflicts with.
    #[cold]
    fn conflict(&self, master: &Master, access: Access) -> Option<Conflict> {
        (0..MASTERS).filter(|&other| other != master.index).find_map(|other| {
            let unordered = |clock: &Clock| clock.0[other] > master.now.0[other];
            let earlier = if unordered(&self.writes) {
                Access::Write
            } else if access == Access::Write && unordered(&self.reads) {
                Access::Read
            } else {
                return None;
            };
            Some(Conflict { access: earlier, master: other, site: self.sites[other] })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CPU fills a cell, releases, writes a register; the device reads the register, acquires, reads the cell.
    fn hand_over(release: bool, acquire: bool) -> Option<Conflict> {
        let (mut cpu, mut device, mut cell) = (Master::new(0), Master::new(1), Cell::default());
        assert_eq!(cell.access(&cpu, Access::Write, None), None);
        if release {
            cpu.release_fence();
        }
        device.collect(&cpu.stamp());
        if acquire {
            device.acquire_fence();
        }
        cell.access(&device, Access::Read, None)
    }

    #[test]
    fn hand_over_with_both_fences_is_ordered() {
        assert_eq!(hand_over(true, true), None);
    }

    #[test]
    fn hand_over_without_a_fence_is_a_conflict() {
        let conflict = Some(Conflict { access: Access::Write, master: 0, site: None });
        assert_eq!(hand_over(false, true), conflict);
        assert_eq!(hand_over(true, false), conflict);
        assert_eq!(hand_over(false, false), conflict);
    }

    #[test]
    fn access_after_the_release_fence_is_not_covered_by_it() {
        let (mut cpu, mut device, mut cell) = (Master::new(0), Master::new(1), Cell::default());
        cpu.release_fence();
        assert_eq!(cell.access(&cpu, Access::Write, None), None);
        device.collect(&cpu.stamp());
        device.acquire_fence();
        assert!(cell.access(&device, Access::Read, None).is_some());
    }

    #[test]
    fn write_that_a_register_tells_of_needs_an_acquire_fence() {
        let (mut cpu, mut device, mut cell) = (Master::new(0), Master::new(1), Cell::default());
        cell.access(&device, Access::Write, None);
        assert_eq!(cell.unfenced(&cpu, Access::Read), None, "nobody has told the CPU of it");
        device.release_fence();
        cpu.collect(&device.stamp());
        assert_eq!(cell.unfenced(&cpu, Access::Read), Some(Conflict { access: Access::Write, master: 1, site: None }));
        cpu.acquire_fence();
        assert_eq!(cell.unfenced(&cpu, Access::Read), None);
    }

    #[test]
    fn read_that_a_register_tells_of_needs_an_acquire_fence_before_a_write() {
        let (mut cpu, mut device, mut cell) = (Master::new(0), Master::new(1), Cell::default());
        cell.access(&device, Access::Read, None);
        device.release_fence();
        cpu.collect(&device.stamp());
        assert_eq!(cell.unfenced(&cpu, Access::Read), None, "two reads");
        let conflict = Some(Conflict { access: Access::Read, master: 1, site: None });
        assert_eq!(cell.unfenced(&cpu, Access::Write), conflict);
        cpu.acquire_fence();
        assert_eq!(cell.unfenced(&cpu, Access::Write), None);
    }

    #[test]
    fn two_reads_do_not_conflict_and_a_write_after_a_read_does() {
        let (cpu, device, mut cell) = (Master::new(0), Master::new(1), Cell::default());
        assert_eq!(cell.access(&device, Access::Read, None), None);
        assert_eq!(cell.access(&cpu, Access::Read, None), None);
        let conflict = cell.access(&cpu, Access::Write, None).expect("nothing orders it after the device's read");
        assert_eq!(conflict.access, Access::Read);
    }
}
