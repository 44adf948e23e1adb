//! It is read after the stop.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = receiver.circular(buffer).unwrap();
    let (buffer, _) = transfer.stop();
    assert!(buffer[0] > 0);
}
