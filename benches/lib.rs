//! The workloads: each does a thing so many times, and says how long that took.
//!
//! The benches measure them one by one, with criterion; `ratios` measures each in turns with its baseline.
//!
//! # Targets
//!
//! Two cores of a shared machine (`cargo bench -p benches --bench ratios`):
//!
//! | what | target | measured |
//! |---|---|---|
//! | engine's copy of 64 KiB | 0.9 of memcpy | 0.93 |
//! | a register access, stepped | 50 ns | 23 ns |
//! | enumeration of a CDC-ACM device, stepped | 200 us | 152 us |
//! | bulk packets, stepped | 100 times the wire | **58 to 62 times** |
//! | a packet of 64 bytes on threads, start to end | 2 hand-offs | **100 to 330 hand-offs**: 10 to 12 us |
//!
//! Where the time of the two that are missed goes (`perf`, `callgrind`):
//!
//! - A bulk packet is 11 500 instructions: a third in the driver's register accesses, each of which is a choice point,
//!   a third in the host (its coroutine, and the look whether the device would say NAK), the rest in the driver, the
//!   monitor and the copies. It was 15 400: words that are accessed alike share a cell of the monitor, nobody is asked
//!   where nobody else can go on, and a NAK copies nothing. What is left is spread thin: no function has 7 %.
//! - A round trip on threads is three threads on two cores that wait for each other: a third is the system, which
//!   puts threads to sleep and wakes them, a third the driver's polls, each of which takes the chip's lock. A hand-off
//!   is two threads that spin, and yield if that takes long. A host that does the engine's work while it waits was no
//!   faster, and under load slower; to yield instead of sleeping is as fast on an idle machine, and ten times slower on
//!   a busy one.

#![deny(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Kind, Program, stepped, threads};

pub mod access;
pub mod bulk;
#[expect(unsafe_code, reason = "memory is lent to the engine by hand, and a channel is what promises things")]
pub mod copies;
pub mod enumerate;
pub mod handoff;
pub mod line;
pub mod round_trip;

/// How many times a program does its thing in one run: a run keeps its choices, so there are many short ones instead of
/// one that keeps millions.
const RUN: u64 = 1000;

/// The time that a program's firmware has taken, in all runs.
#[derive(Debug, Default)]
pub struct Stopwatch(Mutex<Duration>);

impl Stopwatch {
    /// Measures what `f` takes.
    pub fn measure(&self, f: impl FnOnce()) {
        let started = Instant::now();
        f();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += started.elapsed();
    }

    fn time(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that does a thing a number of times, and measures itself: without the time that a run takes to begin.
pub trait Timed: Program {
    /// Where the time is.
    fn stopwatch(&self) -> &Stopwatch;
}

/// Runs a program until it has done its thing `count` times, everybody before the CPU. `program` makes one that does it
/// so many times.
pub fn stepped<P: Timed>(count: u64, program: impl Fn(u64) -> P) -> Duration {
    runs(count, RUN, program, |program| {
        let run = stepped::run(program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    })
}

/// The same on threads.
pub fn on_threads<P: Timed + Sync>(count: u64, program: impl Fn(u64) -> P) -> Duration {
    runs(count, u64::MAX, program, |program| {
        let run = threads::run(program, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    })
}

fn runs<P: Timed>(mut count: u64, most: u64, program: impl Fn(u64) -> P, run: impl Fn(&P)) -> Duration {
    let mut time = Duration::ZERO;
    while count > 0 {
        let times = count.min(most);
        let program = program(times);
        run(&program);
        time += program.stopwatch().time();
        count -= times;
    }
    time
}

/// Measures what `f` takes, so many times.
pub fn repeat(count: u64, mut f: impl FnMut()) -> Duration {
    let started = Instant::now();
    (0..count).for_each(|_| f());
    started.elapsed()
}
