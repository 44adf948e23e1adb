//! It is read after the end.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = receiver.read_exact(buffer).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    assert_eq!(buffer[0], 1);
}
