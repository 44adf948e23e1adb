//! The model checkers: executions per second, and how many transfers take.
//!
//! - `model/loom/N`: `N` packets back to back under loom, to the end. The elements are executions.
//! - `model/stepped/N`: the same on all schedules. The elements are schedules.
//! - `model/baseline`: loom alone, two threads that count to three by turns: what an execution costs without a chip.
//!
//! The counts for 1 to 4 packets are printed first: 4 take too long to be measured again and again. That those for 1 to
//! 3 do not grow, `tests/loom` asserts.

use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sim_core::check::programs::BackToBack;
use sim_core::explore::model::{self, Limits};
use sim_core::explore::{Kind, Verdict, stepped};
use sim_core::machine::{Fences, Machine};

fn program(packets: u8) -> BackToBack {
    BackToBack { packets, length: 8, fences: Fences::right(Machine::CortexM7) }
}

fn under_loom(packets: u8) -> Verdict {
    let verdict = model::check(&program(packets), Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    verdict
}

fn on_schedules(packets: u8) -> Verdict {
    let verdict = stepped::explore(&program(packets), stepped::Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    verdict
}

/// Two threads that count, each three times.
fn counting() -> Verdict {
    let verdict = model::explore(Limits::default(), || {
        let count = Arc::new(AtomicUsize::new(0));
        let theirs = count.clone();
        let counts = |count: &AtomicUsize| {
            for _ in 0..3 {
                // ORDERING: none needed: it is what the baseline leaves out.
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let thread = thread::spawn(move || counts(&theirs));
        counts(&count);
        thread.join().expect("it does not panic");
    });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    verdict
}

fn bench(criterion: &mut Criterion) {
    for packets in 1..=4 {
        let started = Instant::now();
        let executions = under_loom(packets).executions();
        let seconds = started.elapsed().as_secs_f64();
        let schedules = on_schedules(packets).executions();
        println!("{packets} packets: {executions} executions in {seconds:.3} s, {schedules} schedules");
    }
    let mut group = criterion.benchmark_group("model");
    group.sample_size(10);
    group.throughput(Throughput::Elements(counting().executions()));
    group.bench_function("baseline", |bencher| bencher.iter(counting));
    for packets in 1..=3 {
        group.throughput(Throughput::Elements(under_loom(packets).executions()));
        group.bench_function(format!("loom/{packets}"), |bencher| bencher.iter(|| under_loom(packets)));
        group.throughput(Throughput::Elements(on_schedules(packets).executions()));
        group.bench_function(format!("stepped/{packets}"), |bencher| bencher.iter(|| on_schedules(packets)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
