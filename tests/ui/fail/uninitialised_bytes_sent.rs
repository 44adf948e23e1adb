//! Bytes are sent that nobody has written.
//!
//! E0277, H13: what was in memory before goes over the wire, and nobody knows what it is.

use std::mem::MaybeUninit;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = Box::new([MaybeUninit::new(1_u8); 4]);
    let transfer = sender.write_all(bytes).unwrap();
    assert!(transfer.wait().is_ok());
}
