//! Who owns which bytes, and whether each access happens after the last hand-over.
//!
//! CPU accesses to a buffer cannot be seen: they are plain loads and stores of the host. They need not be. A driver's
//! types see to it that the CPU touches a buffer only outside of a transfer, so `release` counts as the CPU's last
//! access before it, and `acquire` as its first access after it, on the CPU's side of the fence.

use std::ops::Range;
use std::panic::Location;

use dma_api::address::{Direction, Region};

use super::cells::Cells;
use super::clocks::{Access, Cell, Clock, Conflict, Master};
use super::{Misuse, Rule, Site};
use crate::machine::Moment;

/// The bytes of one beat: the engine moves words.
pub const BEAT: u32 = 4;

/// CPU and DMA, and what they know of each other.
///
/// ```
/// # use std::panic::Location;
/// # use sim_core::monitor::clocks::Access;
/// # use sim_core::monitor::ownership::Ownership;
/// # use sim_core::monitor::{Rule, Site};
/// let mut ownership = Ownership::new(false);
/// let buffer = 0x2000_0000..0x2000_0008;
/// ownership.cpu_access(buffer.clone(), Access::Write, Location::caller());
/// // No release fence.
/// ownership.register_written();
/// ownership.job_captured();
/// let misuse = ownership.dma_access(buffer, Access::Read, Site::Host { endpoint: 0 }).unwrap();
/// assert_eq!(misuse.rule, Rule::Race);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Ownership {
    cpu: Master,
    dma: Master,
    to_device: Clock,
    to_cpu: Clock,
    cells: Cells,
    untold: Vec<Untold>,
    /// A release fence for this moment, which the driver passes too late.
    pending: Option<Moment>,
    /// What registers had told the CPU before the latest news; kept for a driver whose acquire fence comes too early.
    before_news: Option<Clock>,
}

/// Words that the CPU fills while the DMA may read them. Up to the register write that hands them over, the DMA finds
/// there what it finds: its driver sees by a register whether it was there too early.
///
/// Weaker than the chip: whether the driver looks is not asked here, and a neighbour in the same word is left alone,
/// too.
#[derive(Clone, Debug, Hash)]
struct Untold {
    words: Range<u32>,
    /// All are stored: the next register write hands them over.
    is_complete: bool,
}

/// What a register write carries that is on its way: what it covers is decided when the CPU issues it.
///
/// See [`Ownership`] for an example.
#[derive(Clone, Debug, Hash)]
pub struct Stamp {
    clock: Clock,
    /// The words that were filled by then: it hands them over.
    filled: Vec<Range<u32>>,
}

impl Default for Ownership {
    fn default() -> Self {
        Self {
            cpu: Master::new(0),
            dma: Master::new(1),
            to_device: Clock::default(),
            to_cpu: Clock::default(),
            cells: Cells::default(),
            untold: Vec::new(),
            pending: None,
            before_news: None,
        }
    }
}

impl Ownership {
    /// Nobody has done anything. `may_acquire_before`: what [`acquire_before`](Self::acquire_before) needs is kept.
    pub fn new(may_acquire_before: bool) -> Self {
        Self { before_news: may_acquire_before.then(Clock::default), ..Self::default() }
    }

    /// The CPU writes a register: the device will have seen all that the CPU's last release fence covers.
    pub fn register_written(&mut self) {
        self.to_device = self.cpu.stamp();
        self.untold.retain(|untold| !untold.is_complete);
    }

    /// The CPU issues a register write that takes effect later.
    pub fn post(&mut self) -> Stamp {
        let filled = self.untold.iter().filter(|untold| untold.is_complete).map(|untold| untold.words.clone());
        Stamp { clock: self.cpu.stamp(), filled: filled.collect() }
    }

    /// It takes effect. Others may have done so before it that were issued after it, to other peripherals: what these
    /// have told stays told.
    pub fn takes_effect(&mut self, stamp: &Stamp) {
        self.to_device.join(&stamp.clock);
        self.untold.retain(|untold| !(untold.is_complete && stamp.filled.contains(&untold.words)));
    }

    /// The CPU reads a register: what the device has published is collected, for an acquire fence to take.
    pub fn register_read(&mut self) {
        if let Some(before) = self.before_news.as_mut().filter(|_| self.cpu.is_news(&self.to_cpu)) {
            *before = self.cpu.collected();
        }
        self.cpu.collect(&self.to_cpu);
    }

    /// The engine captures a job. A device sees memory in the order in which its registers were written.
    pub fn job_captured(&mut self) {
        self.dma.collect(&self.to_device);
        self.dma.acquire_fence();
    }

    /// The engine ends a job: its accesses come before the END event.
    pub fn job_ended(&mut self) {
        self.dma.release_fence();
        self.to_cpu = self.dma.stamp();
    }

    /// A release fence that the machine honours.
    pub fn release_fence(&mut self) {
        self.cpu.release_fence();
    }

    /// An acquire fence that the machine honours.
    pub fn acquire_fence(&mut self) {
        self.cpu.acquire_fence();
    }

    /// A release fence that stands behind the register write that hands the memory over: it is to come.
    pub fn release_behind(&mut self, moment: Moment) {
        self.pending = Some(moment);
    }

    /// The moment that the release fence to come should have been passed at.
    pub fn pending_release(&self) -> Option<Moment> {
        self.pending
    }

    /// That fence.
    pub fn pass_pending_release(&mut self) {
        self.pending = None;
        self.cpu.release_fence();
    }

    /// An acquire fence that stands before the register read that has brought the latest news.
    pub fn acquire_before(&mut self) {
        if let Some(before) = &self.before_news {
            self.cpu.acquire_fence_of(before);
        }
    }

    /// The CPU accesses `range`.
    pub fn cpu_access(
        &mut self,
        range: Range<u32>,
        access: Access,
        site: &'static Location<'static>,
    ) -> Option<Misuse> {
        let Self { cpu, cells, .. } = self;
        check_race(cells, cpu, range, access, Site::Cpu(site))
    }

    /// The CPU copies `range` while the DMA may write there. What registers have told it is there, it has to see.
    pub fn cpu_snapshot(&mut self, range: Range<u32>, site: &'static Location<'static>) -> Option<Misuse> {
        self.cpu_while_lent(range, Access::Read, site)
    }

    /// The CPU begins to fill `range` while the DMA may read there. What registers have told it was read, stays so.
    pub fn cpu_begins_fill(&mut self, range: Range<u32>, site: &'static Location<'static>) -> Option<Misuse> {
        let misuse = self.cpu_while_lent(range.clone(), Access::Write, site);
        let words = words(&range);
        self.cells.access(words.clone(), |_, cell| cell.note(&self.cpu, Access::Write, Some(Site::Cpu(site))));
        self.untold.push(Untold { words, is_complete: false });
        misuse
    }

    /// All of `range` is stored. The fence comes next: one before it, a handler's, has not covered this.
    pub fn cpu_ends_fill(&mut self, range: &Range<u32>, site: &'static Location<'static>) {
        let words = words(range);
        self.cells.access(words.clone(), |_, cell| cell.note(&self.cpu, Access::Write, Some(Site::Cpu(site))));
        self.untold.iter_mut().filter(|untold| untold.words == words).for_each(|untold| untold.is_complete = true);
    }

    fn cpu_while_lent(
        &mut self,
        range: Range<u32>,
        access: Access,
        site: &'static Location<'static>,
    ) -> Option<Misuse> {
        let Self { cpu, cells, .. } = self;
        let mut first = None;
        cells.access(words(&range), |word, cell| {
            first = first.or_else(|| Some((word, cell.unfenced(cpu, access)?)));
        });
        let (word, conflict) = first?;
        Some(report_race((word * BEAT).max(range.start)..range.end, Site::Cpu(site), conflict))
    }

    /// The DMA accesses `range`, in one beat.
    pub fn dma_access(&mut self, range: Range<u32>, access: Access, site: Site) -> Option<Misuse> {
        let Self { dma, cells, .. } = self;
        if access == Access::Read && self.untold.iter().any(|untold| overlap(&untold.words, &words(&range))) {
            each_word(cells, words(&range), |_, cell| cell.note(dma, access, Some(site)));
            return None;
        }
        check_race(cells, dma, range, access, site)
    }

    /// The DMA accesses `range` word by word, beginning with the beat at `site`. `false`: one of these accesses is a
    /// race, and none was made.
    pub fn dma_accesses(&mut self, range: Range<u32>, access: Access, site: Site) -> bool {
        let Self { dma, cells, .. } = self;
        let words = words(&range);
        let mut are_ordered = self.untold.is_empty();
        cells.access(words.clone(), |_, cell| are_ordered &= cell.is_ordered(dma, access));
        if are_ordered {
            let site_of = |word| site.later((word - words.start) as usize);
            cells.access(words.clone(), |word, cell| cell.note(dma, access, Some(site_of(word))));
        }
        are_ordered
    }
}

/// The words that hold a byte of `range`.
fn words(range: &Range<u32>) -> Range<u32> {
    range.start / BEAT..range.end.div_ceil(BEAT)
}

/// The cells of words that are accessed at one site: a beat touches two, if PTR is no multiple of 4.
fn each_word(cells: &mut Cells, words: Range<u32>, mut each: impl FnMut(u32, &mut Cell)) {
    words.for_each(|word| cells.access(word..word + 1, &mut each));
}

/// Two accesses that nothing orders, at least one of them a write. All words are accessed, the first race is reported.
fn check_race(cells: &mut Cells, master: &Master, range: Range<u32>, access: Access, site: Site) -> Option<Misuse> {
    let mut race = None;
    let each = |word: u32, cell: &mut Cell| {
        let conflict = cell.access(master, access, Some(site));
        race = race.or(conflict.map(|conflict| (word, conflict)));
    };
    match site {
        Site::Dma { .. } => each_word(cells, words(&range), each),
        _ => cells.access(words(&range), each),
    }
    race.map(|(word, conflict)| report_race((word * BEAT).max(range.start)..range.end, site, conflict))
}

#[cold]
fn report_race(range: Range<u32>, site: Site, conflict: Conflict) -> Misuse {
    let (missing, why) = match site {
        Site::Dma { .. } | Site::Channel { .. } => {
            ("release", "the CPU's access may be done after the start of the transfer")
        }
        Site::Cpu(_) | Site::Host { .. } | Site::Peer { .. } | Site::Cache { .. } => {
            ("acquire", "the CPU's access may be done before the end of the transfer")
        }
    };
    let what = format!("no {missing} fence that this machine honours orders CPU and DMA on this buffer: {why}");
    Misuse { range: Some(range), other: conflict.site, ..Misuse::new(Rule::Race, what) }
}

/// A buffer that is lent twice has two owners that do not know of each other.
///
/// Stricter than need be: two channels may read one buffer at once, and no memory is harmed. It is reported all the
/// same, because `acquire` does not say whose end it is. Lend each a copy.
///
/// See [`Monitor`](super::Monitor), which is told of them, for an example.
pub fn check_released_twice(lent: Option<Range<u32>>) -> Option<Misuse> {
    lent.map(|range| Misuse {
        range: Some(range),
        ..Misuse::new(Rule::ReleasedTwice, "the buffer is lent to the DMA already: `acquire` it first".to_owned())
    })
}

/// Only what was given can be taken back: the fence of a driver that has another region in mind orders nothing.
///
/// See [`Monitor`](super::Monitor), which is told of them, for an example.
pub fn check_acquired_without_release(is_lent: bool, length: usize) -> Option<Misuse> {
    (!is_lent).then(|| {
        let what = format!("{length} bytes are taken back that were not lent: `acquire` what `release` was given");
        Misuse::new(Rule::AcquiredWithoutRelease, what)
    })
}

/// Only what is the DMA's is copied or filled while it is: what is the CPU's is accessed without.
///
/// See [`Monitor`](super::Monitor), which is told of them, for an example.
pub fn check_part_of_lent(is_lent: bool, region: Region) -> Option<Misuse> {
    (!is_lent).then(|| {
        let (verb, purpose) = match region.direction {
            Direction::DeviceToMemory => ("copies", "writing"),
            Direction::MemoryToDevice => ("fills", "reading"),
        };
        let length = region.length;
        let what =
            format!("the CPU {verb} {length} bytes that are not lent to the DMA for {purpose}: `release` them first");
        Misuse::new(Rule::AcquiredWithoutRelease, what)
    })
}

/// Whether two ranges share an address.
pub(crate) fn overlap(a: &Range<u32>, b: &Range<u32>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A buffer is taken back while the engine still uses it: the next access is a race, on some schedule.
///
/// See [`Monitor`](super::Monitor), which is told of them, for an example.
pub fn check_acquired_in_flight(range: Range<u32>, site: Site) -> Misuse {
    let what = match site {
        Site::Channel { .. } => {
            "the buffer is taken back while the DMA may still use it: wait for TCIF; or write EN=0, read CCR back (it \
             waits for an item in flight), and `acquire` then"
        }
        _ => "the buffer is taken back while the DMA still uses it: wait for the END event, and `acquire` then",
    };
    Misuse { range: Some(range), other: Some(site), ..Misuse::new(Rule::AcquiredInFlight, what.to_owned()) }
}

/// The CPU touches memory of a running transfer (nRF52840 PS: the buffer is the engine's from START to END).
///
/// See [`Monitor`](super::Monitor), which is told of them, for an example.
pub fn check_cpu_access_in_flight(range: Range<u32>, job: Range<u32>, access: Access, site: Site) -> Option<Misuse> {
    overlap(&range, &job).then(|| {
        let verb = if access == Access::Write { "writes" } else { "reads" };
        let what = format!("the CPU {verb} memory of a running transfer: wait for its end");
        Misuse { range: Some(range), other: Some(site), ..Misuse::new(Rule::CpuAccessInFlight, what) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Range<u32> = 0x2000_0000..0x2000_0008;

    /// The CPU has lent a buffer, the DMA has read it, and the CPU has begun to fill it again.
    fn filling() -> Ownership {
        let mut ownership = Ownership::default();
        let line = Location::caller();
        assert_eq!(ownership.cpu_access(HALF, Access::Write, line), None);
        ownership.release_fence();
        ownership.register_written();
        assert_eq!(read_by_dma(&mut ownership), None);
        ownership.job_ended();
        ownership.register_read();
        ownership.acquire_fence();
        assert_eq!(ownership.cpu_begins_fill(HALF, line), None);
        ownership
    }

    fn read_by_dma(ownership: &mut Ownership) -> Option<Rule> {
        let site = Site::Channel { controller: 1, channel: 4, item: 0 };
        ownership.job_captured();
        ownership.dma_access(HALF, Access::Read, site).map(|misuse| misuse.rule)
    }

    /// The CPU lends a buffer, and the DMA reads it.
    fn lent(fence: impl Fn(&mut Ownership)) -> Ownership {
        let mut ownership = Ownership::new(true);
        assert_eq!(ownership.cpu_access(HALF, Access::Write, Location::caller()), None);
        fence(&mut ownership);
        ownership.register_written();
        ownership
    }

    #[test]
    fn release_fence_behind_the_start_comes_too_late() {
        assert_eq!(read_by_dma(&mut lent(Ownership::release_fence)), None);
        let mut ownership = lent(|ownership| ownership.release_behind(Moment::Release));
        assert_eq!(read_by_dma(&mut ownership), Some(Rule::Race));
        ownership.pass_pending_release();
        assert_eq!(ownership.pending_release(), None);
        ownership.register_written();
        assert_eq!(read_by_dma(&mut ownership), None, "the next start is covered");
    }

    #[test]
    fn acquire_fence_before_the_end_is_seen_comes_too_early() {
        for (fence, rule) in
            [(Ownership::acquire_fence as fn(&mut _), None), (Ownership::acquire_before, Some(Rule::Race))]
        {
            let mut ownership = lent(Ownership::release_fence);
            assert_eq!(read_by_dma(&mut ownership), None);
            ownership.job_ended();
            ownership.register_read();
            // A read that brings nothing new does not make the news old.
            ownership.register_read();
            fence(&mut ownership);
            let race = ownership.cpu_access(HALF, Access::Write, Location::caller());
            assert_eq!(race.map(|misuse| misuse.rule), rule);
        }
    }

    #[test]
    fn fill_is_judged_once_a_register_was_written_behind_it() {
        for (fence, rule) in [(true, None), (false, Some(Rule::Race))] {
            let mut ownership = filling();
            assert_eq!(read_by_dma(&mut ownership), None, "in the middle");
            ownership.cpu_ends_fill(&HALF, Location::caller());
            if fence {
                ownership.release_fence();
            }
            assert_eq!(read_by_dma(&mut ownership), None, "nobody has told the DMA");
            ownership.register_written();
            assert_eq!(read_by_dma(&mut ownership), rule);
        }
    }

    #[test]
    fn fence_and_register_of_a_handler_in_the_middle_of_a_fill_do_not_cover_it() {
        let mut ownership = filling();
        ownership.release_fence();
        ownership.register_written();
        assert_eq!(read_by_dma(&mut ownership), None, "in the middle");
        ownership.cpu_ends_fill(&HALF, Location::caller());
        ownership.register_written();
        assert_eq!(read_by_dma(&mut ownership), Some(Rule::Race));
    }
}
