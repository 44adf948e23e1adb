//! It is moved.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let copy = sender;
    drop(copy);
}
