//! One enumeration, as Linux does it, against what a wire takes for it.

use benches::enumerate::{enumerations, on_wire};
use criterion::{Criterion, criterion_group, criterion_main};

fn usb_enumerate(criterion: &mut Criterion) {
    println!("on the wire: {:?}", on_wire());
    criterion.bench_function("usb_enumerate", |bencher| bencher.iter_custom(enumerations));
}

criterion_group!(benches, usb_enumerate);
criterion_main!(benches);
