//! A USART's frames are not signed.
//!
//! E0271, H9: the channel moves other words than the buffer has.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0_i8; 4])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
