//! A transfer of borrowed memory is not dropped: `ManuallyDrop`.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::mem::ManuallyDrop;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    let _kept = ManuallyDrop::new(receiver.read_exact(buffer));
}
