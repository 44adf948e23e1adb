//! Memory is freed while it is lent to a `scope`.
//!
//! E0505, H1: the frame is used again while the DMA writes it.

use tests::chip::parts;

pub fn main() {
    let mut sender = parts::sender();
    let bytes = vec![1, 2, 3];
    let outcome = sender.scope(&bytes, |_| drop(bytes));
    assert!(outcome.is_ok());
}
