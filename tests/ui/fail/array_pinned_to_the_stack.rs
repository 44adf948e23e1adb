//! An array that is pinned is pinned to the stack.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::mem;
use std::pin::Pin;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let pinned = Pin::new(&mut [0; 16]);
    mem::forget(receiver.read_exact(pinned.get_mut()));
}
