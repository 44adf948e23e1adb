//! The buffer is written while the DMA reads it.
//!
//! E0382, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = sender.write_all(buffer).unwrap();
    let _running = transfer;
    buffer[0] = 1;
}
