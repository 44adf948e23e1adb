//! Memory changes hands: the driver's fences, and what becomes of them.

use dma_api::address::{BusAddress, Direction, Region};
use dma_api::stm32f103::dma::map;

use super::*;
use crate::machine::Moment;

/// What the CPU does to a buffer outside of a transfer: it fills what the DMA reads, and reads what the DMA has filled.
/// It may write that as well, so a write is what both count as.
const CPU_ACCESS: Access = Access::Write;

/// Where neither chip has memory.
const NOWHERE: BusAddress = BusAddress::new(0x1000_0000);

/// Whether the flags of a controller say of any channel that an access of it has failed.
fn has_teif(flags: u32) -> bool {
    const CHANNELS: u16 = 7;
    (0..CHANNELS).any(|channel| flags >> map::flags_of(channel) & map::TEIF != 0)
}

impl Soc {
    /// What becomes of the driver's fence at `line`, if it is not as all others.
    fn fate(&self, moment: Moment, line: Line) -> Option<Fate> {
        let is_here = |(place, _): &(FencePlace, Fate)| *place == FencePlace { moment, line };
        self.fence_at.filter(is_here).map(|(_, fate)| fate)
    }

    /// How strong the driver's fence at `line` is.
    fn strength(&self, moment: Moment, line: Line) -> Strength {
        self.fate(moment, line).map_or(self.fences.strength(moment), |fate| fate.strength(self.fences, moment))
    }

    /// What the driver passes at `line`.
    pub(crate) fn passed(&self, moment: Moment, line: Line) -> Passed {
        let fate = self.fate(moment, line).unwrap_or(Fate::Strength(self.fences.strength(moment)));
        fate.passed(self.fences, moment, self.has_failed())
    }

    /// Whether a buffer is lent that no DMA reaches, or a channel shows TEIF.
    fn has_failed(&self) -> bool {
        let shows_teif = |chip: &Stm32f103| (0..2).any(|controller| has_teif(chip.dma(controller).flags()));
        self.refused.is_some() || self.stm32f103().is_some_and(shows_teif)
    }

    /// The driver's fence at `line`. Returns how strong it is.
    fn fence(&mut self, moment: Moment, line: Line) -> Strength {
        match self.passed(moment, line) {
            Passed::Release => self.ownership.release_fence(),
            Passed::Acquire => self.ownership.acquire_fence(),
            Passed::ReleaseBehind => self.ownership.release_behind(moment),
            Passed::AcquireBefore => self.ownership.acquire_before(),
            Passed::Nothing => {}
        }
        self.strength(moment, line)
    }

    /// The driver's release fence for `moment` comes later.
    pub(crate) fn postpone_release(&mut self, moment: Moment) {
        self.ownership.release_behind(moment);
    }

    /// Whether a release fence is still to come, behind the register write that hands memory over.
    pub(crate) fn is_release_pending(&self) -> bool {
        self.ownership.pending_release().is_some()
    }

    /// Whether a transfer may access these addresses.
    fn uses(&self, range: &Range<u32>) -> bool {
        let copy = self.copy.as_ref().map(Copy::range).or(self.taken.clone().map(|(range, _)| range));
        copy.is_some_and(|copy| overlap(&copy, range)) || self.channel_at(range, false).is_some()
    }

    /// The driver has written a register. If that has handed the memory over, the fence that should have come before it
    /// comes now.
    #[inline]
    pub(super) fn pass_pending_release(&mut self) {
        if let Some(moment) = self.ownership.pending_release() {
            self.pass_release_of(moment);
        }
    }

    #[cold]
    fn pass_release_of(&mut self, moment: Moment) {
        if moment == Moment::AfterFill || self.uses(&self.released) {
            self.ownership.pass_pending_release();
        }
    }

    /// The driver lends a region: the CPU's last access to it, then the fence.
    ///
    /// # Safety
    ///
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until `acquire`.
    pub unsafe fn release(&mut self, region: Region, line: Line) -> BusAddress {
        let twice = ownership::check_released_twice(self.memory.lent(region).next());
        // SAFETY:
        // - The region is valid and left alone until it is taken back: the caller's debt, passed on unchanged.
        let address = unsafe { self.memory.lend(region) };
        let range = self.memory.lent(region).find(|range| range.start == address.get()).unwrap_or_default();
        let lent = range.clone();
        let race = self.ownership.cpu_access(range.clone(), CPU_ACCESS, line);
        self.released = range.clone();
        let fence = self.fence(Moment::Release, line);
        self.trace.note(Some(line), || Record::Release { range: range.clone(), fence });
        self.store_lent(Moment::Release, &range, region, line);
        self.report(twice, Site::Cpu(line));
        self.report(race, Site::Cpu(line));
        match self.out_of_reach.checked_sub(1) {
            Some(left) => {
                (self.out_of_reach, self.refused) = (left, Some(lent));
                NOWHERE
            }
            None => address,
        }
    }

    /// The driver takes a region back: the fence, then the CPU's first access to it.
    ///
    /// The DMA cannot reach the region afterwards.
    pub fn acquire(&mut self, region: Region, line: Line) {
        // A copy that was taken out was waited for (`is_in_use`, under the same lock), or revoked.
        // A driver that is being left has nothing lent any more.
        let exact = self.left || self.memory.is_lent(region);
        let fence = self.fence(Moment::Acquire, line);
        // One range, unless the driver has lent the region twice.
        let range = self.memory.lent(region).next().unwrap_or_default();
        self.refused.take_if(|refused| *refused == range);
        // There is one copy at most, and it looks through one window.
        let copied = self.memory.lent(region).find_map(|range| revoke(&mut self.copy, &range));
        let channel = |range: Range<u32>| {
            let user = self.channel_at(&range, false)?;
            Some(ownership::check_acquired_in_flight(range, user))
        };
        let in_flight = copied.or_else(|| self.memory.lent(region).find_map(channel));
        let in_flight = in_flight.or(self.revoke_late(region));
        self.trace.note(Some(line), || Record::Acquire { range: range.clone(), fence });
        self.keep_up(Moment::Acquire, &range, region.direction, line);
        self.load_arrived(&range, line);
        self.memory.take_back(region);
        let race = self.ownership.cpu_access(range, CPU_ACCESS, line);
        self.report(ownership::check_acquired_without_release(exact, region.length), Site::Cpu(line));
        self.report(in_flight, Site::Cpu(line));
        self.report(race, Site::Cpu(line));
    }

    /// The driver begins to copy `region`, which the DMA fills: the fence. Returns what the bytes are read from; `None`
    /// if it is not lent for that.
    pub(crate) fn snapshot(&mut self, region: Region, line: Line) -> Option<View> {
        let fence = self.fence(Moment::Snapshot, line);
        let range = self.memory.part(region, Direction::DeviceToMemory);
        let race = range.clone().and_then(|range| self.ownership.cpu_snapshot(range, line));
        self.trace.note(Some(line), || Record::Snapshot { range: range.clone().unwrap_or_default(), fence });
        self.report(ownership::check_part_of_lent(range.is_some(), region), Site::Cpu(line));
        self.report(range.as_ref().and_then(|range| self.late_in(range)), Site::Cpu(line));
        self.report(race, Site::Cpu(line));
        let range = range?;
        self.keep_up(Moment::Snapshot, &range, region.direction, line);
        if self.cache.is_some() {
            // What the DMA writes from now on tears the copy, with a cache or without.
            self.report_findings(self.memory.stale(&range), Site::Cpu(line));
            return self.memory.host_view(&range, Direction::DeviceToMemory);
        }
        let address = BusAddress::new(range.start);
        self.memory.view(address, region.length, Direction::DeviceToMemory).ok()
    }

    /// The driver copies what comes at `offset` of `region`: a part of what [`snapshot`](Self::snapshot) has returned.
    pub(crate) fn copy_out(&mut self, view: &View, region: Region, offset: usize, into: &mut [u8]) {
        let part = Region { pointer: region.pointer.wrapping_add(offset), length: into.len(), ..region };
        if let Some(range) = self.memory.part(part, Direction::DeviceToMemory).filter(|_| self.cache.is_some()) {
            let _ = self.memory.loaded(&range);
        }
        view.read(offset, into);
    }

    /// The driver begins to fill `region`, which the DMA reads: the fence before. Whether it is lent for that.
    pub(crate) fn begin_fill(&mut self, region: Region, line: Line) -> bool {
        let before = self.fence(Moment::BeforeFill, line);
        let after = self.strength(Moment::AfterFill, line);
        let range = self.memory.part(region, Direction::MemoryToDevice);
        let race = range.clone().and_then(|range| self.ownership.cpu_begins_fill(range, line));
        self.trace.note(Some(line), || Record::Fill { range: range.clone().unwrap_or_default(), before, after });
        self.report(ownership::check_part_of_lent(range.is_some(), region), Site::Cpu(line));
        self.report(race, Site::Cpu(line));
        range.is_some()
    }

    /// The driver has filled `region`, and passes the fence behind.
    pub(crate) fn end_fill(&mut self, region: Region, line: Line) {
        if let Some(range) = self.memory.part(region, Direction::MemoryToDevice) {
            self.ownership.cpu_ends_fill(&range, line);
            self.store_lent(Moment::AfterFill, &range, region, line);
        }
        self.fence(Moment::AfterFill, line);
    }

    /// A program's own release fence, for simulated RAM.
    #[track_caller]
    pub fn release_fence(&mut self) {
        self.fence(Moment::Release, Location::caller());
    }

    /// A program's own acquire fence, for simulated RAM.
    #[track_caller]
    pub fn acquire_fence(&mut self) {
        self.fence(Moment::Acquire, Location::caller());
    }
}
