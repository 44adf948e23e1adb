//! Memory changes hands: the driver's fences, and what becomes of them.

use dma_api::address::{BusAddress, Direction, Region};

use super::*;
use crate::machine::Moment;

/// What the CPU does to a buffer outside of a transfer: it fills what the DMA reads, and reads what the DMA has filled.
/// It may write that as well, so a write is what both count as.
const CPU_ACCESS: Access = Access::Write;

impl Soc {
    /// How strong the driver's fence at `line` is.
    fn strength(&self, moment: Moment, line: Line) -> Strength {
        let is_here = |(place, _): &(FencePlace, Strength)| *place == FencePlace { moment, line };
        let here = self.fence_at.filter(is_here);
        here.map_or(self.fences.strength(moment), |(_, strength)| strength)
    }

    /// Whether the machine honours the driver's fence at `line`.
    pub(crate) fn honours(&self, moment: Moment, line: Line) -> bool {
        self.fences.machine.honours(self.strength(moment, line))
    }

    /// The driver's fence at `line`. Returns how strong it is.
    fn fence(&mut self, moment: Moment, line: Line) -> Strength {
        match (self.honours(moment, line), moment.is_release()) {
            (true, true) => self.ownership.release_fence(),
            (true, false) => self.ownership.acquire_fence(),
            (false, _) => {}
        }
        self.strength(moment, line)
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
        let race = self.ownership.cpu_access(range.clone(), CPU_ACCESS, line);
        let fence = self.fence(Moment::Release, line);
        self.trace.note(Some(line), || Record::Release { range, fence });
        self.report(twice, Site::Cpu(line));
        self.report(race, Site::Cpu(line));
        address
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
        // There is one copy at most, and it looks through one window.
        let copied = self.memory.lent(region).find_map(|range| revoke(&mut self.copy, &range));
        let channel = |range: Range<u32>| {
            let user = self.channel_at(&range, false)?;
            Some(ownership::check_acquired_in_flight(range, user))
        };
        let in_flight = copied.or_else(|| self.memory.lent(region).find_map(channel));
        let in_flight = in_flight.or(self.revoke_late(region));
        self.memory.take_back(region);
        let race = self.ownership.cpu_access(range.clone(), CPU_ACCESS, line);
        self.trace.note(Some(line), || Record::Acquire { range, fence });
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
        let address = BusAddress::new(range?.start);
        self.memory.view(address, region.length, Direction::DeviceToMemory).ok()
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
