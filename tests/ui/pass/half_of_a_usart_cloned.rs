//! The halves are two values.

use tests::chip::parts;

pub fn main() {
    let (tx, rx) = parts::usart1().split();
    let copy = (tx, rx);
    drop(copy);
}
