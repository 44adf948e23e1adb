//! A view of one half is kept, while the DMA goes round both.
//!
//! E0505, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer: &'static mut [u8; 8] = Box::leak(Box::new([0; 8]));
    let half: &[u8] = &buffer[..4];
    let circular = receiver.circular(buffer).unwrap();
    let running = circular;
    assert_eq!(half[0], 0);
    running.stop();
}
