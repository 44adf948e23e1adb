//! The chip's memory: RAM, flash, and windows onto host memory.
//!
//! A driver under test is host code; its buffers live in host memory, behind 64-bit pointers. A *window* maps a
//! region that the driver has lent to the DMA (`Memory::lend`) to addresses in the chip's RAM, as an IOMMU would,
//! until the driver takes it back. What has no window cannot be reached: a driver's bug never touches memory of the
//! test process.
//!
//! Programs that break the rules on purpose use *simulated RAM* ([`Memory::allocate`]): bytes that are memory of the
//! chip only, so that a data race on them is a finding and not undefined behaviour of the test.
//!
//! - *Modelled*: RAM and flash ranges of both chips, who may read and write what.
//! - With a [`DataCache`](cache::DataCache), which neither chip has, the windows are memory of their own: what the CPU
//!   has in its buffers gets there, and back, through the cache (`cache`).
//! - *Not modelled*: wait states, the code-RAM alias at 0x0080_0000.
//! - *Unspecified; we chose*: RAM that nobody lent or allocated is out of reach for the DMA. On the chip it is there,
//!   and holds somebody else's data.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use dma_api::address::{BusAddress, Direction, Region};
use thiserror::Error;

use self::cache::{Cache, LineSize};
use self::frames::Frames;
use self::view::Bytes;
pub use self::view::View;
use crate::device::Chip;

pub mod cache;
mod cached;
mod frames;
mod view;

/// Where a chip has its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Map {
    ram: Range<u32>,
    flash: Range<u32>,
    /// Where windows begin in RAM; simulated RAM lies below.
    windows: u32,
}

impl Map {
    /// nRF52840: 256 KiB of RAM; 1 MiB of flash, which EasyDMA cannot reach. STM32F103: 96 KiB and 1 MiB, as the
    /// largest of them has.
    fn of(chip: Chip) -> Self {
        match chip {
            Chip::Nrf52840 => Self { ram: RAM..0x2004_0000, flash: 0x0000_0000..0x0010_0000, windows: 0x2002_0000 },
            Chip::Stm32f103 => Self { ram: RAM..0x2001_8000, flash: 0x0800_0000..0x0810_0000, windows: 0x2000_C000 },
        }
    }
}

/// Where RAM begins, in both chips.
pub const RAM: u32 = 0x2000_0000;

/// Why the DMA cannot reach a range of memory.
///
/// See [`Memory`], which opens them, for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The range touches flash.
    #[error("{0:#010x} is in flash, which EasyDMA cannot read: copy the bytes to RAM first")]
    Flash(u32),
    /// The range is not in RAM as a whole.
    #[error("{0:#010x} is not in RAM")]
    OutsideRam(u32),
    /// The range is in RAM, but nobody has lent it to the DMA.
    #[error("{0:#010x} is in RAM that was not lent to the DMA: `release` the buffer before the start")]
    NotLent(u32),
    /// The range is in RAM that no frame of the firmware has.
    #[error("{0:#010x} is in RAM that no frame of the firmware has: the function whose buffer it was has returned")]
    DeadFrame(u32),
    /// The range was lent, but for the other direction.
    #[error("{0:#010x} was lent to the DMA for the other direction")]
    WrongDirection(u32),
}

/// A region of host memory, seen by the chip at `base`.
#[derive(Debug)]
struct Window {
    base: u32,
    reserved: u32,
    region: Region,
    lent: bool,
    /// Where a cache is in between: what the DMA finds there instead of the host's bytes, in whole lines.
    backing: Option<Arc<Vec<AtomicU8>>>,
}

// SAFETY:
// - The pointer in `region` may be used from any thread: whoever lent it promised (`Memory::lend`) that it stays valid
//   and untouched until it is taken back, and only `View` uses it, while it is lent.
unsafe impl Send for Window {}

impl Window {
    /// Whether the window shows a byte of `region`, or starts where it starts.
    fn is_onto(&self, region: Region) -> bool {
        let (mine, theirs) = (self.region.pointer.addr(), region.pointer.addr());
        mine == theirs || mine < theirs + region.length && theirs < mine + self.region.length
    }

    fn range(&self) -> Range<u32> {
        self.base..self.base + bytes(self.region.length)
    }
}

fn bytes(length: usize) -> u32 {
    u32::try_from(length).expect("a region is smaller than the chip's RAM: `lend` and `allocate` refuse larger ones")
}

/// The chip's memory.
///
/// ```
/// # use sim_core::device::Chip;
/// # use sim_core::memory::{Memory, RAM};
/// let mut memory = Memory::new(Chip::Nrf52840, 64);
/// let address = memory.allocate(6);
/// assert_eq!((address.get(), memory.allocate(4).get()), (RAM, RAM + 8));
/// memory.store(address, 7);
/// assert_eq!(memory.load(address), Some(7));
/// ```
#[derive(Debug)]
pub struct Memory {
    map: Map,
    ram: Arc<Vec<AtomicU8>>,
    allocated: u32,
    windows: Vec<Window>,
    next_window: u32,
    cache: Option<Cache>,
    /// Of a firmware that is in RAM itself.
    frames: Option<Frames>,
}

impl Memory {
    /// The memory of `chip`, with `ram` bytes of simulated RAM at 0x2000_0000.
    ///
    /// # Panics
    ///
    /// If `ram` is more than the half of RAM that is below the windows.
    pub fn new(chip: Chip, ram: usize) -> Self {
        let map = Map::of(chip);
        assert!(bytes(ram) <= map.windows - RAM, "simulated RAM ends at {:#x}: ask for less", map.windows);
        let ram = Arc::new((0..ram).map(|_| AtomicU8::new(0)).collect());
        Self { map, ram, allocated: 0, windows: Vec::new(), next_window: 0, cache: None, frames: None }
    }

    /// The same memory, behind a cache with lines of this size.
    pub(crate) fn behind_cache(self, size: LineSize) -> Self {
        Self { cache: Some(Cache::new(size)), ..self }
    }

    /// Whether `address` is in flash.
    pub(crate) fn is_flash(&self, address: u32) -> bool {
        self.map.flash.contains(&address)
    }

    /// Takes `length` bytes of simulated RAM, aligned to a word.
    ///
    /// # Panics
    ///
    /// If there are not so many left.
    pub fn allocate(&mut self, length: usize) -> BusAddress {
        let start = self.allocated;
        let end = start + bytes(length).next_multiple_of(4);
        assert!(end <= bytes(self.ram.len()), "simulated RAM is used up: make the memory with more than {start} bytes");
        self.allocated = end;
        BusAddress::new(RAM + start)
    }

    /// Opens a window onto `region`, and gives its address. A region that was lent before keeps its address, unless it
    /// is still lent with another length or direction: that window stays as it is, and a second one is opened.
    ///
    /// # Panics
    ///
    /// If the windows use up the chip's RAM.
    ///
    /// # Safety
    ///
    /// - The region is valid for what its direction says, and nobody conflicts with that, until it is taken back.
    pub unsafe fn lend(&mut self, region: Region) -> BusAddress {
        let length = bytes(region.length);
        assert!(length <= self.map.ram.end - RAM, "a region of {length} bytes does not fit the chip's RAM");
        let mut windows = self.windows.iter_mut();
        let known = windows.find(|window| {
            window.region.pointer == region.pointer
                && length <= window.reserved
                && (!window.lent || window.region == region)
        });
        if let Some(window) = known {
            window.region = region;
            window.lent = true;
            return BusAddress::new(window.base);
        }
        // A buffer lies in its lines as it does in the host's memory.
        let line = self.cache.as_ref().map_or(1, |cache| cache.line_size().bytes() as usize);
        let offset = bytes(region.pointer.addr() % line);
        let base = self.map.windows + self.next_window + offset;
        let reserved = (offset + length).max(1).next_multiple_of(64) - offset;
        // A red zone after each window: a transfer that is too long leaves it into nothing, not into its neighbour.
        self.next_window += offset + reserved + 64;
        assert!(self.map.windows + self.next_window <= self.map.ram.end, "the windows have used up the chip's RAM");
        let backing = self.cache.as_ref().map(|_| Arc::new(Window::backing(offset, reserved)));
        self.windows.push(Window { base, reserved, region, lent: true, backing });
        BusAddress::new(base)
    }

    /// Whether exactly `region` is lent.
    pub(crate) fn is_lent(&self, region: Region) -> bool {
        self.windows.iter().any(|window| window.lent && window.region == region)
    }

    /// Closes all windows.
    pub(crate) fn take_all_back(&mut self) {
        self.windows.iter_mut().for_each(|window| window.lent = false);
    }

    /// Closes the windows onto any byte of `region`: the DMA cannot reach it any more.
    pub fn take_back(&mut self, region: Region) {
        let open = self.windows.iter_mut().filter(|window| window.lent && window.is_onto(region));
        open.for_each(|window| window.lent = false);
    }

    /// The addresses of the open windows onto any byte of `region`.
    pub(crate) fn lent(&self, region: Region) -> impl Iterator<Item = Range<u32>> {
        self.windows.iter().filter(move |window| window.lent && window.is_onto(region)).map(Window::range)
    }

    /// The addresses of `region`, if it lies in one that is lent in this direction.
    pub(crate) fn part(&self, region: Region, direction: Direction) -> Option<Range<u32>> {
        let window = self.windows.iter().find(|window| {
            let offset = region.pointer.addr().checked_sub(window.region.pointer.addr());
            let fits = |offset| offset + region.length <= window.region.length;
            window.lent && window.region.direction == direction && offset.is_some_and(fits)
        })?;
        let start = window.base + bytes(region.pointer.addr() - window.region.pointer.addr());
        Some(start..start + bytes(region.length))
    }

    /// Where in the memory of the host the bytes at these addresses are. `None` if in no window that is open.
    pub(crate) fn host_range(&self, range: &Range<u32>) -> Option<Range<usize>> {
        let window = self.windows.iter().find(|window| window.lent && window.range().contains(&range.start))?;
        let start = window.region.pointer.addr() + (range.start - window.base) as usize;
        Some(start..start + range.len())
    }

    /// What the DMA needs to move `length` bytes at `address`.
    ///
    /// # Errors
    ///
    /// The [`Fault`] of the first byte that it cannot reach.
    pub fn view(&self, address: BusAddress, length: usize, direction: Direction) -> Result<View, Fault> {
        let start = address.get();
        let last = u64::from(start) + length.max(1) as u64 - 1;
        if self.is_flash(start) {
            return Err(Fault::Flash(start));
        }
        if !self.map.ram.contains(&start) || last >= u64::from(self.map.ram.end) {
            return Err(Fault::OutsideRam(if self.map.ram.contains(&start) { self.map.ram.end } else { start }));
        }
        let end = start + bytes(length);
        if let Some(frames) = &self.frames {
            return frames.view(start..end);
        }
        if end <= RAM + self.allocated {
            return Ok(View(Bytes::Simulated { ram: self.ram.clone(), start: (start - RAM) as usize }));
        }
        let open = self.windows.iter().find(|window| window.lent && window.range().contains(&start));
        let window = open.ok_or(Fault::NotLent(start.max(RAM + self.allocated)))?;
        if end > window.range().end {
            return Err(Fault::NotLent(window.range().end));
        }
        if window.region.direction != direction {
            return Err(Fault::WrongDirection(start));
        }
        if let Some(backing) = &window.backing {
            let start = (start - window.base + window.base % LineSize::MOST) as usize;
            return Ok(View(Bytes::Simulated { ram: backing.clone(), start }));
        }
        let pointer = window.region.pointer.wrapping_add((start - window.base) as usize);
        Ok(View(Bytes::Host { pointer, length }))
    }

    /// A byte of simulated RAM. `None` outside of what was allocated.
    pub fn load(&self, address: BusAddress) -> Option<u8> {
        Some(self.simulated(address)?.load(Ordering::Relaxed))
    }

    /// Writes a byte of simulated RAM. `None` outside of what was allocated.
    pub fn store(&self, address: BusAddress, value: u8) -> Option<()> {
        self.simulated(address)?.store(value, Ordering::Relaxed);
        Some(())
    }

    fn simulated(&self, address: BusAddress) -> Option<&AtomicU8> {
        let offset = address.get().checked_sub(RAM)?;
        (offset < self.allocated).then(|| &self.ram[offset as usize])
    }
}

/// What the DMA can find: open windows, the bytes that it may read through them, simulated RAM.
impl Hash for Memory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for window in self.windows.iter().filter(|window| window.lent) {
            let Region { length, direction, .. } = window.region;
            (window.base, length, direction).hash(state);
            if let Ok(view) = self.view(BusAddress::new(window.base), length, Direction::MemoryToDevice) {
                let mut bytes = vec![0; length];
                view.read(0, &mut bytes);
                bytes.hash(state);
            }
        }
        self.ram.iter().for_each(|byte| byte.load(Ordering::Relaxed).hash(state));
        self.cache.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(buffer: &mut [u8], direction: Direction) -> Region {
        Region { pointer: buffer.as_mut_ptr(), length: buffer.len(), direction }
    }

    fn lend(memory: &mut Memory, buffer: &mut [u8], direction: Direction) -> BusAddress {
        // SAFETY:
        // - The buffer outlives the memory in each test, and no test touches it while it is lent.
        unsafe { memory.lend(region(buffer, direction)) }
    }

    #[test]
    fn window_gives_the_bytes_of_the_host() {
        let mut buffer = *b"0123456789";
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let address = lend(&mut memory, &mut buffer, Direction::MemoryToDevice);
        let mut read = [0; 3];
        let view = memory.view(BusAddress::new(address.get() + 2), 8, Direction::MemoryToDevice);
        view.expect("it was lent").read(1, &mut read);
        assert_eq!(&read, b"345");
    }

    #[test]
    fn window_ends_with_its_last_byte() {
        let mut buffer = [0; 8];
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let address = lend(&mut memory, &mut buffer, Direction::DeviceToMemory);
        let fault = memory.view(address, 9, Direction::DeviceToMemory).expect_err("one byte too long");
        assert_eq!(fault, Fault::NotLent(address.get() + 8));
    }

    #[test]
    fn window_taken_back_is_closed_and_keeps_its_address() {
        let mut buffer = [0; 8];
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let address = lend(&mut memory, &mut buffer, Direction::DeviceToMemory);
        let region = region(&mut buffer, Direction::DeviceToMemory);
        assert!(memory.lent(region).eq(std::iter::once(address.get()..address.get() + 8)));
        memory.take_back(region);
        assert_eq!(memory.lent(region).count(), 0);
        let fault = memory.view(address, 8, Direction::DeviceToMemory).expect_err("it is closed");
        assert_eq!(fault, Fault::NotLent(address.get()));
        assert_eq!(lend(&mut memory, &mut buffer, Direction::DeviceToMemory), address);
    }

    #[test]
    fn region_lent_again_and_again_keeps_its_window() {
        let mut buffer = [0; 8];
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let address = lend(&mut memory, &mut buffer, Direction::DeviceToMemory);
        for _ in 0..10_000 {
            assert_eq!(lend(&mut memory, &mut buffer, Direction::DeviceToMemory), address);
        }
        assert_eq!(memory.lent(region(&mut buffer, Direction::DeviceToMemory)).count(), 1);
    }

    #[test]
    fn windows_onto_one_buffer_are_closed_together() {
        let mut buffer = [0; 200];
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let short = lend(&mut memory, &mut buffer[..8], Direction::DeviceToMemory);
        let long = lend(&mut memory, &mut buffer, Direction::MemoryToDevice);
        assert_ne!(short, long);
        assert!(memory.view(short, 8, Direction::DeviceToMemory).is_ok());
        assert!(memory.view(long, 200, Direction::MemoryToDevice).is_ok());
        let whole = region(&mut buffer, Direction::MemoryToDevice);
        assert!(memory.lent(whole).eq([short.get()..short.get() + 8, long.get()..long.get() + 200]));
        memory.take_back(whole);
        assert!(memory.view(short, 8, Direction::DeviceToMemory).is_err());
        assert!(memory.view(long, 200, Direction::MemoryToDevice).is_err());
    }

    #[test]
    fn window_has_one_direction() {
        let mut buffer = [0; 8];
        let mut memory = Memory::new(Chip::Nrf52840, 0);
        let address = lend(&mut memory, &mut buffer, Direction::MemoryToDevice);
        let fault = memory.view(address, 8, Direction::DeviceToMemory).expect_err("the DMA may only read it");
        assert_eq!(fault, Fault::WrongDirection(address.get()));
    }

    #[test]
    fn flash_and_the_end_of_ram_are_out_of_reach() {
        let memory = Memory::new(Chip::Nrf52840, 0);
        let view = |address| memory.view(BusAddress::new(address), 64, Direction::MemoryToDevice);
        assert_eq!(view(0x0001_0000).expect_err("flash"), Fault::Flash(0x0001_0000));
        assert_eq!(view(0x2003_FFF0).expect_err("beyond RAM"), Fault::OutsideRam(0x2004_0000));
        assert_eq!(view(0xFFFF_FFF0).expect_err("wraps around"), Fault::OutsideRam(0xFFFF_FFF0));
        assert_eq!(view(0x4002_7000).expect_err("a peripheral"), Fault::OutsideRam(0x4002_7000));
    }

    #[test]
    fn simulated_ram_is_read_and_written_from_both_sides() {
        let mut memory = Memory::new(Chip::Nrf52840, 16);
        let address = memory.allocate(8);
        memory.store(address, 7).expect("it was allocated");
        let view = memory.view(address, 8, Direction::DeviceToMemory).expect("it was allocated");
        view.write(1, &[8, 9]);
        assert_eq!(memory.load(BusAddress::new(address.get() + 2)), Some(9));
        assert_eq!(memory.load(BusAddress::new(address.get() + 8)), None);
        let fault = memory.view(address, 9, Direction::DeviceToMemory).expect_err("one byte too long");
        assert_eq!(fault, Fault::NotLent(address.get() + 8));
        let mut read = [0; 2];
        view.read(0, &mut read);
        assert_eq!(read, [7, 8]);
    }
}
