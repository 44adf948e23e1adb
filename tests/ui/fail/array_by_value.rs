//! An array is given by value: it moves with the transfer.
//!
//! E0277, H3: the address that the DMA has is not where the buffer is.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact([0; 16]).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
