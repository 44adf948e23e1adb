//! A packet of the host is received into borrowed memory, and forgotten.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let buffer = &mut [0; 8];
    mem::forget(endpoints.epout[0].receive(engine, buffer));
}
