//! They are written first.

use std::mem::MaybeUninit;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = Box::new([MaybeUninit::new(1_u8); 4]);
    let transfer = sender.write_all(Box::new(bytes.map(|_| 1))).unwrap();
    assert!(transfer.wait().is_ok());
}
