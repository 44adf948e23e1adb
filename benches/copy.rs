//! What moving bytes costs, against a plain copy: see `benches::copies`.

use benches::copies::{self, LENGTHS};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn copy(criterion: &mut Criterion) {
    type Way = fn(usize, u64) -> std::time::Duration;
    let ways: [(&str, Way); 5] = [
        ("memcpy", copies::memcpy),
        ("engine", copies::engine),
        ("words", copies::words),
        ("bounce", copies::bounce),
        ("transfer", copies::transfer),
    ];
    let mut group = criterion.benchmark_group("copy");
    for length in LENGTHS {
        group.throughput(Throughput::Bytes(length as u64));
        for (name, way) in ways {
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter_custom(|count| way(length, count));
            });
        }
    }
}

criterion_group!(benches, copy);
criterion_main!(benches);
