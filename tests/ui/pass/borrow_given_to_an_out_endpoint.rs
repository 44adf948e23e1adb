//! It is received into leaked memory.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let buffer = Box::leak(Box::new([0; 8]));
    mem::forget(endpoints.epout[0].receive(engine, buffer));
}
