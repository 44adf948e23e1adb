//! A transfer of borrowed memory is leaked in a box: no destructor runs.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    Box::leak(Box::new(receiver.read_exact(buffer)));
}
