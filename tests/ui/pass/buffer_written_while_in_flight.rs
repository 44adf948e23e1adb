//! It is written after the end.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let buffer: &'static mut [u8] = Box::leak(Box::new([7; 4]));
    let transfer = sender.write_all(buffer).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    buffer[0] = 1;
}
