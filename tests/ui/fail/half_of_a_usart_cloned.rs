//! A half of a USART is cloned: each copy could have a channel.
//!
//! E0599, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let (tx, rx) = parts::usart1().split();
    let copy = (tx.clone(), rx);
    drop(copy);
}
