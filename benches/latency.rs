//! One packet through `Ep0In`, from `start` to `end`, against its physical limit.
//!
//! - `latency/handoff`: two threads and one flag, there and back: what any round trip between two threads costs.
//! - `latency/threads`: start, the engine in parallel, a host on its thread, end.
//! - `latency/stepped`: the same without threads, everybody before the CPU: what the chip itself costs.

use benches::handoff::there_and_back;
use benches::round_trip::RoundTrips;
use benches::{on_threads, stepped};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn latency(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latency");
    group.bench_function("handoff", |bencher| bencher.iter_custom(there_and_back));
    for length in [8, 64] {
        let program = move |count| RoundTrips::new(count, length);
        group.bench_function(BenchmarkId::new("threads", length), |bencher| {
            bencher.iter_custom(|count| on_threads(count, program));
        });
        group.bench_function(BenchmarkId::new("stepped", length), |bencher| {
            bencher.iter_custom(|count| stepped(count, program));
        });
    }
}

criterion_group!(benches, latency);
criterion_main!(benches);
