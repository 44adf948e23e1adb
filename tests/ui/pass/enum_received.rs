//! Its number is received, and can be asked about.

use tests::chip::parts;

#[derive(Debug)]
#[repr(u8)]
enum Flag {
    Down,
    Up,
}

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([Flag::Down as u8, Flag::Up as u8])).unwrap();
    drop(transfer);
}
