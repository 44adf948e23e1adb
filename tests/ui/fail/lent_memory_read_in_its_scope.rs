//! Memory is read while it is lent to a `scope`.
//!
//! E0502, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let outcome = receiver.scope(&mut bytes, |running| running.is_done() && bytes[0] == 1);
    assert!(outcome.is_ok());
}
