//! References are received: the line would say where they point.
//!
//! E0277, H13: some patterns of bits are no value of the type.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([&0; 4])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    drop(buffer);
}
