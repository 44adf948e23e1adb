//! A packet for the host is sent from borrowed memory, and forgotten.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let bytes = &mut [1, 2, 3];
    mem::forget(endpoints.epin[0].send(engine, bytes));
}
