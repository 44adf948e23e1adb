//! A future of a transfer of borrowed memory is forgotten, which is a cancellation without a destructor.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    mem::forget(receiver.read_exact(buffer).map(IntoFuture::into_future));
}
