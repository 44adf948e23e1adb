//! A transfer is cloned.
//!
//! E0599, H7: each copy stops the channel, and gives the buffer back.

use tests::chip::parts;

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    let copy = transfer.clone();
    drop(copy);
}
