//! The buffer is read while the DMA goes round it.
//!
//! E0382, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = receiver.circular(buffer).unwrap();
    let _running = transfer;
    assert!(buffer[0] > 0);
}
