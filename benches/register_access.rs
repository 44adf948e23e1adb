//! A write and a read of registers, against memory, and the chip without an explorer.

use benches::access::{Accesses, of_chip, of_memory};
use benches::{on_threads, stepped};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn register_access(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("register_access");
    group.throughput(Throughput::Elements(2));
    group.bench_function("memory", |bencher| bencher.iter_custom(of_memory));
    group.bench_function("chip", |bencher| bencher.iter_custom(of_chip));
    group.bench_function("stepped", |bencher| bencher.iter_custom(|count| stepped(count, Accesses::new)));
    group.bench_function("threads", |bencher| bencher.iter_custom(|count| on_threads(count, Accesses::new)));
}

criterion_group!(benches, register_access);
criterion_main!(benches);
