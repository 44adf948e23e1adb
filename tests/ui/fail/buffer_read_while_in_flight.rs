//! The buffer is read while the DMA writes it.
//!
//! E0382, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = receiver.read_exact(buffer).unwrap();
    let _running = transfer;
    assert_eq!(buffer[0], 1);
}
