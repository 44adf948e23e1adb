//! The DMA goes round borrowed memory for ever, and is forgotten.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    mem::forget(receiver.circular(buffer));
}
