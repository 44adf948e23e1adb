//! A data cache between the CPU and memory, as a Cortex-M7 has one: write-back, write-allocate. The DMA is behind it.
//!
//! The CPU loads and stores in lines; the DMA reads and writes memory. A line goes back to memory when the driver
//! cleans it, or whenever the cache likes; a line comes from memory when the CPU needs it, or whenever the cache likes,
//! since the core reads ahead. So there are three things to do, and one to have:
//!
//! 1. *clean before* the DMA reads: else it reads what was there before;
//! 2. *invalidate before* the DMA writes: else a dirty line goes back over what the DMA has written;
//! 3. *invalidate after* the DMA has written: else the CPU finds a line that was read ahead meanwhile;
//! 4. *own your lines*: a neighbour in a line of the buffer loses its stores by 3, or by being stored costs the buffer
//!    what the DMA has written.
//!
//! What comes of it, when it comes, is a `Finding`: `monitor::cache` makes a broken rule of it.
//!
//! A driver's buffers are host memory, so their neighbours are not seen: a buffer that the DMA writes has to begin with
//! a line, and to share its last one with no other that is lent. What else is behind its end may be its own.
//!
//! - *Modelled*: what a line holds, byte by byte: which bytes the CPU has stored since it was cleaned, which the DMA
//!   has written since it was loaded.
//! - Of what it can do by itself, a scheduler is offered eight things at once, those of the lowest addresses.
//! - *Not modelled*: how many lines there are, and which of them share a place: a line leaves the cache only by what is
//!   said above. Write-through and non-cacheable regions (an MPU makes those): a system without a cache is both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use crate::monitor::Site;

/// A data cache, and what the driver's fences do about it.
///
/// ```
/// # use sim_core::check::programs::{Path, Transfer};
/// # use sim_core::check::upkeep::Cached;
/// # use sim_core::explore::{Kind, stepped};
/// # use sim_core::memory::cache::Upkeep;
/// # use sim_core::monitor::Rule;
/// let right = Cached::new(Path::EpIn);
/// let wrong = Cached { upkeep: Upkeep { clean_before: false, ..Upkeep::ALL }, ..right };
/// let kind = |program| stepped::explore(&program, stepped::Limits::default()).verdict.kind();
/// assert_eq!(kind(right), Kind::Sound);
/// assert_eq!(kind(wrong), Kind::Violation(Rule::CacheNotCleaned));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataCache {
    /// How long a line is.
    pub line: LineSize,
    /// What the fences do.
    pub upkeep: Upkeep,
}

impl DataCache {
    /// A Cortex-M7's: lines of 32 bytes (Cortex-M7 TRM r1p2, 5.1), and fences that do all that is needed.
    pub const CORTEX_M7: Self = Self { line: LineSize::CORTEX_M7, upkeep: Upkeep::ALL };
}

/// The length of a cache's line in bytes: a power of two, 64 at most.
///
/// ```
/// # use sim_core::memory::cache::LineSize;
/// assert_eq!(LineSize::new(32), Some(LineSize::CORTEX_M7));
/// assert_eq!((LineSize::new(24), LineSize::new(128)), (None, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineSize(u32);

impl LineSize {
    /// 32 bytes.
    pub const CORTEX_M7: Self = Self(32);

    /// The longest.
    pub const MOST: u32 = 64;

    /// Lines of so many bytes. `None` if that is no power of two, or more than [`LineSize::MOST`]. A line that is
    /// shorter than a Cortex-M7's makes a small buffer one of whole lines.
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes.is_power_of_two() && bytes <= Self::MOST { Some(Self(bytes)) } else { None }
    }

    /// How many bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }

    /// The lines that `range` touches, each by its first address.
    fn of(self, range: &Range<u32>) -> impl Iterator<Item = u32> + use<> {
        let first = range.start - range.start % self.0;
        let end = if range.is_empty() { first } else { range.end };
        (first..end).step_by(self.0 as usize)
    }
}

/// What a driver's fences do about the cache, besides being fences.
///
/// See [`DataCache`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Upkeep {
    /// `release` of what the DMA reads, and `fill` behind its stores: clean.
    pub clean_before: bool,
    /// `release` of what the DMA writes: clean and invalidate.
    pub invalidate_before: bool,
    /// `acquire` of what the DMA has written, and `snapshot`: invalidate.
    pub invalidate_after: bool,
}

impl Upkeep {
    /// All that is needed.
    pub const ALL: Self = Self { clean_before: true, invalidate_before: true, invalidate_after: true };
    /// Fences that know of no cache.
    pub const NONE: Self = Self { clean_before: false, invalidate_before: false, invalidate_after: false };
}

/// What the CPU tells the cache to do with lines, by their addresses.
///
/// See [`DataCache`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// What was stored goes to memory (DCCMVAC).
    Clean,
    /// The line is dropped, with what was stored (DCIMVAC).
    Invalidate,
    /// The first, then the second (DCCIMVAC).
    CleanInvalidate,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Invalidate => "invalidate",
            Self::CleanInvalidate => "clean and invalidate",
        })
    }
}

/// What a cache does by itself, to the line at this address.
///
/// See [`DataCache`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whim {
    /// Writes a dirty line back.
    WriteBack(u32),
    /// Reads a line ahead.
    ReadAhead(u32),
}

/// What goes wrong between the CPU and the DMA. Each has the bytes concerned, and who else was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The DMA reads bytes whose newest value is in the cache.
    NotCleaned { bytes: Range<u32>, stored: Option<Site> },
    /// The CPU reads bytes from the cache that the DMA has written since.
    Stale { bytes: Range<u32>, written: Option<Site> },
    /// A line went back to memory over bytes that the DMA has written since it was loaded. `for_neighbour`: what was
    /// stored there was other bytes.
    WrittenOver { bytes: Range<u32>, written: Option<Site>, for_neighbour: bool },
    /// An invalidated line held stores to other bytes than those that it was invalidated for.
    StoresLost { bytes: Range<u32>, stored: Option<Site> },
}

/// One line that is in the cache. A bit of a mask stands for a byte.
#[derive(Clone, Debug, Hash)]
struct Line {
    bytes: Vec<u8>,
    /// Stored by the CPU, and not in memory.
    dirty: u64,
    stored: Option<Site>,
    /// Written by the DMA, in memory and not here.
    stale: u64,
    written: Option<Site>,
}

/// Memory, as a cache reaches it: `None` where there is none.
pub(crate) trait Main {
    fn load(&self, address: u32) -> Option<u8>;
    fn store(&self, address: u32, value: u8);
}

/// The lines that are in the cache.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Cache {
    size: LineSize,
    lines: BTreeMap<u32, Line>,
    /// What the DMA has written, and the CPU has not taken back.
    arrived: BTreeSet<u32>,
}

impl Cache {
    pub fn new(size: LineSize) -> Self {
        Self { size, lines: BTreeMap::new(), arrived: BTreeSet::new() }
    }

    pub fn line_size(&self) -> LineSize {
        self.size
    }

    fn loaded(&mut self, main: &impl Main, address: u32) -> (&mut Line, u64) {
        let first = address - address % self.size.0;
        let line = self.lines.entry(first).or_insert_with(|| {
            let bytes = (first..first + self.size.0).map(|address| main.load(address).unwrap_or_default()).collect();
            Line { bytes, dirty: 0, stored: None, stale: 0, written: None }
        });
        (line, 1 << (address - first))
    }

    /// The CPU loads a byte.
    pub fn load(&mut self, main: &impl Main, address: u32) -> (u8, Option<Finding>) {
        let size = self.size.0;
        let (line, bit) = self.loaded(main, address);
        let bytes = address..address + 1;
        let stale = (line.stale & bit != 0).then_some(Finding::Stale { bytes, written: line.written });
        (line.bytes[(address % size) as usize], stale)
    }

    /// What the CPU would find in `range` that the DMA has written since: the first bytes.
    pub fn stale(&self, range: &Range<u32>) -> Option<Finding> {
        range.clone().find_map(|address| {
            let first = address - address % self.size.0;
            let line = self.lines.get(&first).filter(|line| line.stale & 1 << (address - first) != 0)?;
            Some(Finding::Stale { bytes: address..address + 1, written: line.written })
        })
    }

    /// The CPU stores a byte.
    pub fn store(&mut self, main: &impl Main, address: u32, value: u8, by: Site) {
        let size = self.size.0;
        let (line, bit) = self.loaded(main, address);
        line.bytes[(address % size) as usize] = value;
        line.dirty |= bit;
        line.stored = Some(by);
        line.stale &= !bit;
    }

    /// The DMA reads memory.
    pub fn dma_reads(&self, range: &Range<u32>) -> Option<Finding> {
        range.clone().find_map(|address| {
            let first = address - address % self.size.0;
            let line = self.lines.get(&first).filter(|line| line.dirty & 1 << (address - first) != 0)?;
            Some(Finding::NotCleaned { bytes: address..range.end, stored: line.stored })
        })
    }

    /// The DMA has written memory.
    pub fn dma_writes(&mut self, range: &Range<u32>, by: Site) {
        for address in range.clone() {
            self.arrived.insert(address);
            let first = address - address % self.size.0;
            if let Some(line) = self.lines.get_mut(&first) {
                line.stale |= 1 << (address - first);
                line.written = Some(by);
            }
        }
    }

    /// A region is lent: what the DMA has written there before is not asked for any more.
    pub fn forget_arrived(&mut self, range: &Range<u32>) {
        self.arrived.retain(|address| !range.contains(address));
    }

    /// The addresses in `range` that the DMA has written since it was lent.
    pub fn arrived(&self, range: &Range<u32>) -> Vec<u32> {
        self.arrived.range(range.clone()).copied().collect()
    }

    /// The driver maintains the lines of `range`.
    pub fn maintain(&mut self, main: &impl Main, range: &Range<u32>, operation: Operation) -> Vec<Finding> {
        let mut findings = Vec::new();
        for first in self.size.of(range) {
            if operation != Operation::Invalidate {
                findings.extend(self.write_back(main, first));
            }
            if operation == Operation::Clean {
                continue;
            }
            let Some(line) = self.lines.remove(&first) else {
                continue;
            };
            let is_neighbour = |address: &u32| line.dirty & 1 << (address - first) != 0 && !range.contains(address);
            findings.extend(span((first..first + self.size.0).filter(is_neighbour)).map(|bytes| {
                let stored = line.stored;
                Finding::StoresLost { bytes, stored }
            }));
        }
        findings
    }

    /// A line goes back to memory, if it is dirty: all of it.
    fn write_back(&mut self, main: &impl Main, first: u32) -> Option<Finding> {
        let line = self.lines.get_mut(&first).filter(|line| line.dirty != 0)?;
        for (address, &value) in (first..).zip(&line.bytes) {
            main.store(address, value);
        }
        let (dirty, stale) = (line.dirty, line.stale);
        (line.dirty, line.stale) = (0, 0);
        let lost = (first..first + self.size.0).filter(|address| stale & 1 << (address - first) != 0);
        let bytes = span(lost)?;
        Some(Finding::WrittenOver { bytes, written: line.written, for_neighbour: dirty & stale == 0 })
    }

    /// What the cache may do by itself while the DMA reads or writes these ranges, as far as it makes a difference: a
    /// dirty line goes back, and a line is read ahead that the DMA writes. A dirty line that the DMA has written to
    /// goes back at any time.
    pub fn whims(&self, in_flight: &[(Range<u32>, bool)]) -> Vec<Whim> {
        let mut lines: BTreeMap<u32, bool> = BTreeMap::new();
        let lost = self.lines.iter().filter(|(_, line)| line.dirty != 0 && line.stale != 0);
        lines.extend(lost.map(|(&first, _)| (first, false)));
        for (range, writes) in in_flight {
            self.size.of(range).for_each(|first| *lines.entry(first).or_default() |= writes);
        }
        let whim = |(first, is_written): (u32, bool)| match self.lines.get(&first) {
            Some(line) => (line.dirty != 0).then_some(Whim::WriteBack(first)),
            None => is_written.then_some(Whim::ReadAhead(first)),
        };
        lines.into_iter().filter_map(whim).collect()
    }

    /// It does.
    pub fn have(&mut self, main: &impl Main, whim: Whim) -> Option<Finding> {
        match whim {
            Whim::WriteBack(first) => self.write_back(main, first),
            Whim::ReadAhead(first) => {
                self.loaded(main, first);
                None
            }
        }
    }
}

/// From the first of these to the last.
fn span(mut addresses: impl Iterator<Item = u32>) -> Option<Range<u32>> {
    let first = addresses.next()?;
    Some(first..addresses.last().unwrap_or(first) + 1)
}
