//! One packet through `Ep0In`, from `start` to `end`, against its physical limits.
//!
//! - `memcpy`: what moving the bytes costs.
//! - `handoff`: two threads and one flag, there and back, with the waiting strategy of `explore::threads`: what any
//!   round trip between two threads costs.
//! - `ep0in_round_trip/threads`: start, engine on its thread, host on its thread, end.
//! - `ep0in_round_trip/stepped`: the same without threads, everybody before the CPU.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_utils::Backoff;
use dma_api::nrf52840::usbd::{Ep0In, Usbd};
use sim_core::check::firmware;
use sim_core::check::programs::begin_control_read;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

const LENGTHS: [usize; 2] = [8, 64];

/// Packets sent back to back; measures the firmware's loop only, without threads coming and going.
struct RoundTrips {
    count: u64,
    length: usize,
    time: Mutex<Duration>,
}

impl RoundTrips {
    fn new(count: u64, length: usize) -> Self {
        Self { count, length, time: Mutex::new(Duration::ZERO) }
    }

    fn into_time(self) -> Duration {
        self.time.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Program for RoundTrips {
    fn name(&self) -> String {
        format!("round-trips:{}x{}", self.count, self.length)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board), statics::packet_buffer());
        let bytes = [7; 64];
        let started = Instant::now();
        for _ in 0..self.count {
            ep0in.start(black_box(&bytes[..self.length])).expect("the packet before was ended");
            while ep0in.end().is_err() {}
        }
        *self.time.lock().unwrap_or_else(PoisonError::into_inner) = started.elapsed();
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        let count = self.count;
        Box::pin(async move {
            let mut data1 = true;
            for _ in 0..count {
                host.packet_in(data1).await?;
                data1 = !data1;
            }
            Ok(())
        })
    }
}

fn on_threads(count: u64, length: usize) -> Duration {
    let program = RoundTrips::new(count, length);
    let run = threads::run(&program, None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    program.into_time()
}

fn stepped(mut count: u64, length: usize) -> Duration {
    // A run keeps its choices: many short ones instead of one that keeps millions.
    let mut time = Duration::ZERO;
    while count > 0 {
        let program = RoundTrips::new(count.min(1000), length);
        count -= program.count;
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
        time += program.into_time();
    }
    time
}

/// A flag that goes from one thread to another and back, `count` times.
fn handoff(count: u64) -> Duration {
    let flag = AtomicU64::new(0);
    let wait = |value| {
        let backoff = Backoff::new();
        while flag.load(Ordering::Acquire) != value {
            backoff.snooze();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for trip in 0..count {
                wait(2 * trip + 1);
                flag.store(2 * trip + 2, Ordering::Release);
            }
        });
        let started = Instant::now();
        for trip in 0..count {
            flag.store(2 * trip + 1, Ordering::Release);
            wait(2 * trip + 2);
        }
        started.elapsed()
    })
}

fn memcpy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memcpy");
    for length in LENGTHS {
        let (source, mut target) = ([7u8; 64], [0u8; 64]);
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            bencher.iter(|| black_box(&mut target)[..length].copy_from_slice(&black_box(&source)[..length]));
        });
    }
}

fn round_trip(criterion: &mut Criterion) {
    criterion.bench_function("handoff", |bencher| bencher.iter_custom(handoff));
    let mut group = criterion.benchmark_group("ep0in_round_trip");
    for length in LENGTHS {
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::new("threads", length), |bencher| {
            bencher.iter_custom(|count| on_threads(count, length));
        });
        group.bench_function(BenchmarkId::new("stepped", length), |bencher| {
            bencher.iter_custom(|count| stepped(count, length));
        });
    }
}

criterion_group!(benches, memcpy, round_trip);
criterion_main!(benches);
