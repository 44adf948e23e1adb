//! It is sent from leaked memory.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let bytes = Box::leak(Box::new([1, 2, 3]));
    mem::forget(endpoints.epin[0].send(engine, bytes));
}
