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
#[derive(Debug)]
pub struct Copy {
    job: Job,
    view: Option<View>,
    payload: Payload,
    moved: usize,
}

/// One beat of a transfer.
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

    /// The next beat; `None` when all bytes were moved.
    pub fn next(&self) -> Option<Beat> {
        let left = self.payload.bytes().len() - self.moved;
        if left == 0 {
            return None;
        }
        let start = self.range().start.saturating_add(u32::try_from(self.moved).unwrap_or(u32::MAX));
        let end = start.saturating_add(u32::try_from(left.min(BEAT)).unwrap_or(u32::MAX));
        let access = match self.job.direction {
            Direction::MemoryToDevice => Access::Read,
            Direction::DeviceToMemory => Access::Write,
        };
        Some(Beat { range: start..end, access, site: self.site() })
    }

    /// Where the engine is.
    pub fn site(&self) -> Site {
        Site::Dma { block: self.job.block(), endpoint: self.job.endpoint, beat: self.moved / BEAT }
    }

    /// Moves the next beat's bytes, and returns them.
    pub fn step(&mut self) -> &[u8] {
        let start = self.moved;
        let length = (self.payload.bytes().len() - start).min(BEAT);
        self.moved += length;
        let bytes = &mut self.payload.bytes_mut()[start..start + length];
        match (&self.view, self.job.direction) {
            (Some(view), Direction::MemoryToDevice) => view.read(start, bytes),
            (Some(view), Direction::DeviceToMemory) => view.write(start, bytes),
            (None, Direction::MemoryToDevice) => bytes.fill(NOTHING_THERE),
            (None, Direction::DeviceToMemory) => {}
        }
        bytes
    }

    /// Moves all bytes that are left.
    pub fn finish(&mut self) {
        while self.moved < self.payload.bytes().len() {
            self.step();
        }
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
