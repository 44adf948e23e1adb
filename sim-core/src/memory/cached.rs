//! Memory behind a cache: what the CPU has gets there through lines, and so does what the DMA has written get back.
//!
//! A driver's buffers are host memory, and its accesses to them cannot be seen. So `release` counts as a store of each
//! byte of the region, and `acquire` as a load of each that the DMA has written, as for races.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

use dma_api::address::{BusAddress, Direction, Region};

use super::cache::{Cache, Finding, Main, Operation, Whim};
use super::{Bytes, Memory, RAM, View, Window, bytes};
use crate::monitor::Site;

/// What a line holds that nobody can know: the driver's bytes in a buffer that it has lent for writing, which may be
/// uninitialised.
const UNKNOWN: u8 = 0xCC;

/// What is behind the cache.
struct Behind<'a> {
    ram: &'a [AtomicU8],
    windows: &'a [Window],
}

impl Behind<'_> {
    fn cell(&self, address: u32) -> Option<&AtomicU8> {
        let window = |window: &&Window| window.backed_range().contains(&address);
        match self.windows.iter().find(window) {
            Some(window) => window.backing.as_ref()?.get((address - window.backed_range().start) as usize),
            None => self.ram.get(address.checked_sub(RAM)? as usize),
        }
    }
}

impl Main for Behind<'_> {
    fn load(&self, address: u32) -> Option<u8> {
        // ORDERING: none needed: a byte of the emulated memory, whose races the monitor judges.
        Some(self.cell(address)?.load(Ordering::Relaxed))
    }

    fn store(&self, address: u32, value: u8) {
        if let Some(cell) = self.cell(address) {
            // ORDERING: none needed: as for `load`.
            cell.store(value, Ordering::Relaxed);
        }
    }
}

impl Memory {
    /// Whether a cache is between the CPU and memory.
    pub(crate) fn is_cached(&self) -> bool {
        self.cache.is_some()
    }

    fn through<T>(&mut self, access: impl FnOnce(&mut Cache, &Behind<'_>) -> T) -> Option<T> {
        let Self { cache, ram, windows, .. } = self;
        let main = Behind { ram: &ram[..self.allocated as usize], windows };
        cache.as_mut().map(|cache| access(cache, &main))
    }

    /// The CPU loads a byte of simulated RAM, through the cache if there is one; 0 outside of what was allocated.
    pub(crate) fn cpu_load(&mut self, address: BusAddress) -> (u8, Option<Finding>) {
        let Some(value) = self.load(address) else {
            return (0, None);
        };
        self.through(|cache, main| cache.load(main, address.get())).unwrap_or((value, None))
    }

    /// The CPU stores a byte of simulated RAM, through the cache if there is one. Lost outside of what was allocated.
    pub(crate) fn cpu_store(&mut self, address: BusAddress, value: u8, by: Site) {
        if self.load(address).is_none() {
            return;
        }
        let stored = self.through(|cache, main| cache.store(main, address.get(), value, by));
        stored.or_else(|| self.store(address, value)).expect("it was allocated");
    }

    /// The driver has lent or filled what the DMA sees at `range`: the CPU's stores to it.
    pub(crate) fn stored(&mut self, range: &Range<u32>, direction: Direction, by: Site) {
        if !self.is_cached() {
            return;
        }
        let mut values = vec![UNKNOWN; range.len()];
        if direction == Direction::MemoryToDevice
            && let Some(host) = self.host_view(range, direction)
        {
            host.read(0, &mut values);
        }
        self.through(|cache, main| {
            cache.forget_arrived(range);
            range.clone().zip(&values).for_each(|(address, &value)| cache.store(main, address, value, by));
        });
    }

    /// The driver takes back what the DMA sees at `range`, or copies it: the CPU's loads of what the DMA has written,
    /// and the host's memory has it.
    /// The first finding is that of all.
    pub(crate) fn loaded(&mut self, range: &Range<u32>) -> Option<Finding> {
        let host = self.host_view(range, Direction::DeviceToMemory)?;
        let loads = self.through(|cache, main| {
            let arrived = cache.arrived(range).into_iter();
            arrived.map(|address| (address, cache.load(main, address))).collect::<Vec<_>>()
        })?;
        for (address, (value, _)) in &loads {
            host.write((address - range.start) as usize, &[*value]);
        }
        loads.into_iter().find_map(|(_, (_, finding))| finding)
    }

    /// What the CPU would find in `range` that the DMA has written since.
    pub(crate) fn stale(&self, range: &Range<u32>) -> Option<Finding> {
        self.cache.as_ref()?.stale(range)
    }

    /// The host's bytes that the window at `range` shows, if it is open, and in this direction.
    pub(crate) fn host_view(&self, range: &Range<u32>, direction: Direction) -> Option<View> {
        let holds = |window: &&Window| {
            let shown = window.range();
            let is_whole = shown.start <= range.start && range.end <= shown.end;
            window.lent && window.region.direction == direction && is_whole
        };
        let window = self.windows.iter().find(holds)?;
        let Region { pointer, .. } = window.region;
        let pointer = pointer.wrapping_add((range.start - window.base) as usize);
        Some(View(Bytes::Host { pointer, length: range.len() }))
    }

    /// The driver maintains the lines of `range`.
    pub(crate) fn maintain(&mut self, range: &Range<u32>, operation: Operation) -> Vec<Finding> {
        self.through(|cache, main| cache.maintain(main, range, operation)).unwrap_or_default()
    }

    /// The DMA has accessed memory.
    pub(crate) fn dma_accessed(&mut self, range: &Range<u32>, writes: bool, by: Site) -> Option<Finding> {
        let cache = self.cache.as_mut()?;
        if writes {
            cache.dma_writes(range, by);
            return None;
        }
        cache.dma_reads(range)
    }

    /// What the cache may do by itself while the DMA uses these ranges (and writes there, if `true`).
    pub(crate) fn whims(&self, in_flight: &[(Range<u32>, bool)]) -> Vec<Whim> {
        self.cache.as_ref().map(|cache| cache.whims(in_flight)).unwrap_or_default()
    }

    /// It does.
    pub(crate) fn have_whim(&mut self, whim: Whim) -> Option<Finding> {
        self.through(|cache, main| cache.have(main, whim)).flatten()
    }

    /// What the first line of `range` holds before it, if the DMA writes there; or what its lines hold of another
    /// region that is lent, if the DMA writes to one of them.
    pub(crate) fn shared_line(&self, range: &Range<u32>, region: Region) -> Option<Range<u32>> {
        let size = self.cache.as_ref()?.line_size().bytes();
        let before = range.start % size;
        let is_written = |region: Region| region.direction == Direction::DeviceToMemory;
        if before > 0 && is_written(region) {
            return Some(range.start - before..range.start);
        }
        let lines = |region: Region| {
            let (start, size) = (region.pointer.addr(), size as usize);
            start / size..(start + region.length).div_ceil(size)
        };
        let mine = lines(region);
        let shares = |window: &&Window| {
            let theirs = lines(window.region);
            let matters = is_written(region) || is_written(window.region);
            window.lent && matters && !window.is_onto(region) && theirs.start < mine.end && mine.start < theirs.end
        };
        self.windows.iter().find(shares).map(Window::range)
    }
}

impl Window {
    /// Memory for a window of `length` bytes, and where in its first line it begins.
    pub(super) fn backing(offset: u32, length: u32) -> Vec<AtomicU8> {
        (0..offset + length).map(|_| AtomicU8::new(UNKNOWN)).collect()
    }

    /// The addresses of the memory behind the cache, whole lines.
    fn backed_range(&self) -> Range<u32> {
        let start = self.base - self.base % super::cache::LineSize::MOST;
        start..start + self.backing.as_ref().map_or(0, |backing| bytes(backing.len()))
    }
}
