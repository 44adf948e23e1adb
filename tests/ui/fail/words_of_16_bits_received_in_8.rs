//! Frames of 8 bits are received into words of 16.
//!
//! E0271, H9: the channel moves other words than the buffer has.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0_u16; 4])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
