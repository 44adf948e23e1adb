//! It is moved.

use tests::chip::parts;

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    let copy = transfer;
    drop(copy);
}
