//! The transfer is taken out of a circular receiver: it hands out its buffer.
//!
//! E0616, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let mut circular = receiver.circular(Box::new([0; 8])).unwrap();
    let _transfer = circular.transfer;
}
