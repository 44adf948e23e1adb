//! A data cache between the CPU and memory: what the driver's fences do about it, and what it does by itself.

use dma_api::address::{Direction, Region};

use super::*;
use crate::machine::Moment;
use crate::memory::cache::{Finding, Operation, Whim};
use crate::monitor::cache;

impl Soc {
    /// What the driver's fence at `line` does to the lines of a region, besides being a fence.
    fn operation(&self, moment: Moment, direction: Direction, line: Line) -> Option<Operation> {
        let upkeep = self.cache?.upkeep;
        let (does, operation) = match (moment, direction) {
            (Moment::Release | Moment::AfterFill, Direction::MemoryToDevice) => (upkeep.clean_before, Operation::Clean),
            (Moment::Release, Direction::DeviceToMemory) => (upkeep.invalidate_before, Operation::CleanInvalidate),
            (Moment::Acquire | Moment::Snapshot, Direction::DeviceToMemory) => {
                (upkeep.invalidate_after, Operation::Invalidate)
            }
            _ => return None,
        };
        let is_left_out = self.no_upkeep_at == Some(FencePlace { moment, line });
        (does && !is_left_out).then_some(operation)
    }

    /// The driver's fence at `line` is passed for what the DMA sees at `range`.
    pub(super) fn keep_up(&mut self, moment: Moment, range: &Range<u32>, direction: Direction, line: Line) {
        if let Some(operation) = self.operation(moment, direction, line) {
            self.maintain_lines(range, operation, line);
        }
    }

    /// The CPU has stored all of `range`, as far as anybody knows; the fence comes next.
    pub(super) fn store_lent(&mut self, moment: Moment, range: &Range<u32>, region: Region, line: Line) {
        let Some(cache) = self.cache else {
            return;
        };
        let shared = self.memory.shared_line(range, region);
        self.report(cache::check_whole_lines(shared, cache.line.bytes()), Site::Cpu(line));
        self.memory.stored(range, region.direction, Site::Cpu(line));
        self.keep_up(moment, range, region.direction, line);
    }

    /// The fence was passed; the CPU loads what the DMA has written to `range`.
    pub(super) fn load_arrived(&mut self, range: &Range<u32>, line: Line) {
        if self.cache.is_some() {
            let findings = self.memory.loaded(range);
            self.report_findings(findings, Site::Cpu(line));
        }
    }

    /// The DMA has accessed memory.
    pub(super) fn dma_accessed(&mut self, range: &Range<u32>, access: Access, site: Site) {
        let finding = self.memory.dma_accessed(range, access == Access::Write, site);
        self.report_findings(finding, site);
    }

    /// Whether there is one.
    pub(crate) fn is_cached(&self) -> bool {
        self.cache.is_some()
    }

    /// What the cache may do by itself now, as far as it makes a difference.
    pub(crate) fn whims(&self) -> Vec<Whim> {
        if self.cache.is_none() || self.left {
            return Vec::new();
        }
        let copy = self.copy.as_ref().map(|copy| (copy.range(), copy.access() == Access::Write));
        let channels = self.turns_since(&[]).into_iter().map(|turn| (turn.range, turn.access == Access::Write));
        let late = self.late_ranges().map(|range| (range, true));
        self.memory.whims(&copy.into_iter().chain(channels).chain(late).collect::<Vec<_>>())
    }

    /// It does.
    pub(crate) fn have_whim(&mut self, whim: Whim) {
        self.trace.note(None, || Record::Whim(whim));
        let finding = self.memory.have_whim(whim);
        let (Whim::WriteBack(address) | Whim::ReadAhead(address)) = whim;
        self.report_findings(finding, Site::Cache { line: address });
    }

    /// A program maintains the lines of simulated RAM.
    #[track_caller]
    pub fn maintain(&mut self, address: BusAddress, length: u32, operation: Operation) {
        let start = address.get();
        self.maintain_lines(&(start..start.saturating_add(length)), operation, Location::caller());
    }

    fn maintain_lines(&mut self, range: &Range<u32>, operation: Operation, line: Line) {
        self.trace.note(Some(line), || Record::Upkeep { range: range.clone(), operation });
        let findings = self.memory.maintain(range, operation);
        self.report_findings(findings, Site::Cpu(line));
    }

    pub(super) fn report_findings(&mut self, findings: impl IntoIterator<Item = Finding>, site: Site) {
        for finding in findings {
            self.report(cache::check(&finding), site);
        }
    }
}
