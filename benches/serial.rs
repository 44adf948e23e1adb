//! A message each way over a serial line, by DMA, against what a line of 115 200 baud takes.

use benches::line::{BYTES, ON_WIRE, exchanges};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn serial(criterion: &mut Criterion) {
    println!("on the line: {ON_WIRE:?}");
    let mut group = criterion.benchmark_group("serial");
    group.throughput(Throughput::Bytes(2 * u64::from(BYTES)));
    group.bench_function("exchange", |bencher| bencher.iter_custom(exchanges));
}

criterion_group!(benches, serial);
criterion_main!(benches);
