//! The buffer is taken out of a transfer that runs.
//!
//! E0616, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0; 4])).unwrap();
    let _buffer = &transfer.held;
    drop(transfer);
}
