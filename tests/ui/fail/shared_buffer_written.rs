//! An `Rc` is written by the DMA, while others read it.
//!
//! E0277, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(std::rc::Rc::new([0; 16])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
