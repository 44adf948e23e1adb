//! Into words of 16 bits.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver_of_nine();
    let transfer = receiver.read_exact(Box::new([0_u16; 4])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0] & 0xFF, 1);
}
