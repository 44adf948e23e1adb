//! The ways that bytes go between a buffer and an endpoint, without a chip around them.
//!
//! | way | what happens |
//! |---|---|
//! | memcpy | a plain copy |
//! | engine | the engine's copy, through a window: all words that are left at once, as where nobody looks at each |
//! | words | likewise, word by word |
//! | bounce | a copy into a bounce buffer, and the engine's |
//! | transfer | `Transfer`, which lends the buffer itself, waits, and takes it back |

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use dma_api::address::{Direction, Region};
use dma_api::transfer::{Channel, Held, Transfer};
use sim_core::device::Chip;
use sim_core::memory::{Memory, View};
use sim_core::statics;

use crate::repeat;

/// The lengths that are measured, in bytes.
pub const LENGTHS: [usize; 5] = [8, 64, 512, 4096, 65536];

/// A plain copy, so many times.
pub fn memcpy(length: usize, count: u64) -> Duration {
    let (source, mut target) = (vec![7_u8; length], vec![0_u8; length]);
    repeat(count, || black_box(&mut target[..]).copy_from_slice(black_box(&source)))
}

/// The engine's.
pub fn engine(length: usize, count: u64) -> Duration {
    let (mut channel, source) = (Copying::new(length), vec![7_u8; length]);
    channel.with_lent(source, |view, endpoint| repeat(count, || black_box(view).read(0, black_box(&mut *endpoint))))
}

/// The engine's, word by word.
pub fn words(length: usize, count: u64) -> Duration {
    const WORD: usize = 4;
    let (mut channel, source) = (Copying::new(length), vec![7_u8; length]);
    channel.with_lent(source, |view, endpoint| {
        repeat(count, || {
            for (index, word) in black_box(&mut *endpoint).chunks_mut(WORD).enumerate() {
                black_box(view).read(index * WORD, word);
            }
        })
    })
}

/// Into a bounce buffer, and the engine's.
pub fn bounce(length: usize, count: u64) -> Duration {
    let (mut channel, bytes) = (Copying::new(length), vec![7_u8; length]);
    let mut buffer = Some(statics::bytes(length));
    repeat(count, || {
        if let Some(bounce) = buffer.take() {
            bounce.copy_from_slice(black_box(&bytes));
            buffer = Some(channel.transfer(bounce));
        }
    })
}

/// The buffer itself.
pub fn transfer(length: usize, count: u64) -> Duration {
    let mut channel = Copying::new(length);
    let mut buffer = Some(statics::bytes(length));
    repeat(count, || buffer = buffer.take().map(|bytes| channel.transfer(black_box(bytes))))
}

/// A channel whose engine copies when it is started.
struct Copying {
    memory: Memory,
    endpoint: Vec<u8>,
}

impl Copying {
    fn new(length: usize) -> Self {
        Self { memory: Memory::new(Chip::Nrf52840, 0), endpoint: vec![0; length] }
    }

    /// Runs `f` with the engine's view of `bytes`, and with the endpoint.
    fn with_lent<T>(&mut self, mut bytes: Vec<u8>, f: impl FnOnce(&View, &mut [u8]) -> T) -> T {
        let region = Region { pointer: bytes.as_mut_ptr(), length: bytes.len(), direction: Direction::MemoryToDevice };
        // SAFETY:
        // - The region is valid until it is taken back below, and nobody has it but this function.
        let address = unsafe { self.memory.lend(region) };
        let view = self.memory.view(address, region.length, region.direction).expect("it was lent just now");
        let result = f(&view, &mut self.endpoint);
        self.memory.take_back(region);
        result
    }

    fn transfer(&mut self, buffer: &'static mut [u8]) -> &'static mut [u8] {
        // SAFETY:
        // - No transfer of the channel runs: each is waited for, here.
        // - The buffer is not borrowed.
        match unsafe { Transfer::start(self, Held::to_read(buffer)) }.map(Transfer::wait) {
            Ok(Ok((buffer, _))) => buffer,
            Ok(Err(_)) | Err(_) => unreachable!("a copy cannot fail"),
        }
    }
}

// SAFETY:
// - The region is read in `start`, through its window, and not written.
// - The window is closed before `end` or `stop` returns, and nothing is read in between.
unsafe impl Channel for Copying {
    type Refusal = Infallible;
    type Error = Infallible;

    unsafe fn start(&mut self, region: Region) -> Result<(), Infallible> {
        // SAFETY:
        // - The region is valid and left alone until it is taken back: the caller's debt, passed on unchanged.
        let address = unsafe { self.memory.lend(region) };
        let view = self.memory.view(address, region.length, region.direction).expect("it was lent just now");
        view.read(0, black_box(&mut self.endpoint));
        Ok(())
    }

    fn is_done(&self) -> bool {
        true
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), Infallible>> {
        self.memory.take_back(region);
        Some(Ok(()))
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        self.memory.take_back(region);
        region.length
    }
}
