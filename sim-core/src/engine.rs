//! The DMA engine: moves the bytes of one job, a word at a time.
//!
//! A [`Copy`](struct@Copy) is all that a transfer needs between START and END. It knows neither chip nor lock, so that
//! it runs on a thread of its own (`explore::threads`) as well as in slices between two register accesses
//! (`explore::stepped`).

use std::ops::Range;

use dma_api::address::Direction;

use crate::device::usbd::{Job, Payload};
use crate::memory::{Fault, Memory, View};
use crate::monitor::clocks::Access;
use crate::monitor::{Site, ownership};

/// The bytes of one beat.
const BEAT: usize = ownership::BEAT as usize;

/// What the engine reads where there is no memory.
const NOTHING_THERE: u8 = 0xA5;

/// A job under way.
///
/// See [`Soc`](crate::soc::Soc), which moves them, for an example.
#[derive(Debug)]
pub struct Copy {
    job: Job,
    view: Option<View>,
    payload: Payload,
    moved: usize,
}

/// One beat of a transfer.
///
/// See [`Soc`](crate::soc::Soc), which moves them, for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Beat {
    /// The addresses.
    pub range: Range<u32>,
    /// What happens to memory.
    pub access: Access,
    /// Which transfer, which beat.
    pub site: Site,
}

impl Copy {
    /// The copy that `job` asks for, and the fault if its memory is out of reach: it then reads garbage and writes
    /// nothing. A job of 0 bytes needs no memory: PTR is ignored.
    pub fn new(job: &Job, memory: &Memory) -> (Self, Option<Fault>) {
        let length = job.payload.bytes().len();
        let view = if length == 0 { Ok(None) } else { memory.view(job.address, length, job.direction).map(Some) };
        let (view, fault) = match view {
            Ok(view) => (view, None),
            Err(fault) => (None, Some(fault)),
        };
        (Self { job: job.clone(), view, payload: job.payload.clone(), moved: 0 }, fault)
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The addresses of the whole transfer.
    pub fn range(&self) -> Range<u32> {
        let start = self.job.address.get();
        start..start.saturating_add(u32::try_from(self.job.payload.length()).unwrap_or(u32::MAX))
    }

    /// Whether the memory was taken away, or never there.
    pub fn is_blind(&self) -> bool {
        self.view.is_none()
    }

    /// Takes the memory away: the engine reads garbage and writes nothing from now on.
    pub fn revoke(&mut self) {
        self.view = None;
    }

    /// Looks at the job again: what an OUT transfer has yet to write may have been corrupted.
    pub fn update(&mut self, job: &Job) {
        if job.id == self.job.id && job.direction == Direction::DeviceToMemory {
            self.payload = job.payload.clone();
        }
    }

    /// How many bytes were moved.
    pub fn moved(&self) -> usize {
        self.moved
    }

    /// How many beats are left.
    pub fn beats_left(&self) -> usize {
        self.left().div_ceil(BEAT)
    }

    /// The addresses that are left, if each beat is a word of memory: from a word's first byte on.
    pub fn whole_words_left(&self) -> Option<Range<u32>> {
        let range = self.range_left(usize::MAX);
        range.start.is_multiple_of(ownership::BEAT).then_some(range)
    }

    /// The next beat; `None` when all bytes were moved.
    pub fn next(&self) -> Option<Beat> {
        let range = self.range_left(BEAT);
        (self.left() > 0).then(|| Beat { range, access: self.access(), site: self.site() })
    }

    /// The addresses of the bytes that are left, at most `most` of them.
    fn range_left(&self, most: usize) -> Range<u32> {
        let start = self.job.address.get().saturating_add(u32::try_from(self.moved).unwrap_or(u32::MAX));
        start..start.saturating_add(u32::try_from(self.left().min(most)).unwrap_or(u32::MAX))
    }

    fn left(&self) -> usize {
        self.payload.length() - self.moved
    }

    /// What happens to memory.
    pub fn access(&self) -> Access {
        match self.job.direction {
            Direction::MemoryToDevice => Access::Read,
            Direction::DeviceToMemory => Access::Write,
        }
    }

    /// Where the engine is.
    pub fn site(&self) -> Site {
        Site::Dma { block: self.job.block(), endpoint: self.job.endpoint, beat: self.moved / BEAT }
    }

    /// Moves the next beat's bytes, and returns them.
    pub fn step(&mut self) -> &[u8] {
        self.move_bytes(BEAT)
    }

    /// Moves all bytes that are left.
    pub fn finish(&mut self) {
        self.move_bytes(usize::MAX);
    }

    /// Counts the next beat's bytes as moved, and returns them: they are for somebody else to write.
    pub fn skip(&mut self) -> &[u8] {
        let start = self.moved;
        self.moved += self.left().min(BEAT);
        &self.payload.bytes()[start..self.moved]
    }

    fn move_bytes(&mut self, most: usize) -> &[u8] {
        let start = self.moved;
        self.moved += self.left().min(most);
        let bytes = &mut self.payload.bytes_mut()[start..self.moved];
        match (&self.view, self.job.direction) {
            (Some(view), Direction::MemoryToDevice) => view.read(start, bytes),
            (Some(view), Direction::DeviceToMemory) => view.write(start, bytes),
            (None, Direction::MemoryToDevice) => bytes.fill(NOTHING_THERE),
            (None, Direction::DeviceToMemory) => {}
        }
        bytes
    }

    /// What was read from memory, or is written to it.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }
}

impl std::hash::Hash for Copy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.job, &self.payload, self.moved, self.view.is_some()).hash(state);
    }
}
