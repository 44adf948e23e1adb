//! The DMA is to write what can only be read.
//!
//! E0277, H6: a constant changes, or the bus refuses the write.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(&[0; 16]).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
