//! A message each way over the serial line of an STM32F103, by DMA.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use sim_core::check::programs::Exchange;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Kind, stepped};

/// Bytes each way.
pub const BYTES: u16 = 1024;

/// What a line of 115 200 baud takes for them: ten bits a byte, both ways at once.
pub const ON_WIRE: Duration = Duration::from_nanos(BYTES as u64 * 10 * 1_000_000_000 / 115_200);

/// Exchanges, from reset to end, everybody before the CPU.
pub fn exchanges(count: u64) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        let run = stepped::run(&Exchange::new(BYTES), &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    }
    started.elapsed()
}
