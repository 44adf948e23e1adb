//! Frames of 9 bits are received into bytes.
//!
//! E0271, H9: the channel moves other words than the buffer has.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver_of_nine();
    let transfer = receiver.read_exact(Box::new([0_u8; 4])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0] & 0xFF, 1);
}
