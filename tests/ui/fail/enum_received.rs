//! An enum is received: 2 is none.
//!
//! E0277, H13: some patterns of bits are no value of the type.

use tests::chip::parts;

#[derive(Debug)]
#[repr(u8)]
enum Flag {
    Down,
    Up,
}

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([Flag::Down, Flag::Up])).unwrap();
    drop(transfer);
}
