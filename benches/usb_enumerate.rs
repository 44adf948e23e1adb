//! One enumeration, as Linux does it, against what a wire takes for it.

use benches::enumerate::{Device, enumerations, on_wire};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn usb_enumerate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("usb_enumerate");
    for (name, device) in [("loopback", Device::Loopback), ("cdc_acm", Device::CdcAcm)] {
        println!("{name}, on the wire: {:?}", on_wire(device));
        let id = BenchmarkId::from_parameter(name);
        group.bench_function(id, |bencher| bencher.iter_custom(|count| enumerations(device, count)));
    }
    group.finish();
}

criterion_group!(benches, usb_enumerate);
criterion_main!(benches);
