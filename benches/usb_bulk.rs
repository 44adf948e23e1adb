//! Bulk packets of 64 bytes through driver and host, against a plain copy and what a wire takes (52.6 us a packet).

use benches::bulk::{Bulk, ON_WIRE, PACKET, Way};
use benches::{copies, stepped};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn usb_bulk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("usb_bulk");
    println!("on the wire: {ON_WIRE:?} a packet");
    group.throughput(Throughput::BytesDecimal(PACKET as u64));
    group.bench_function("memcpy", |bencher| bencher.iter_custom(|count| copies::memcpy(PACKET, count)));
    for (name, way) in [("out", Way::Out), ("in", Way::In)] {
        let program = move |packets| Bulk::new(way, packets);
        group.bench_function(name, |bencher| bencher.iter_custom(|count| stepped(count, program)));
    }
}

criterion_group!(benches, usb_bulk);
criterion_main!(benches);
