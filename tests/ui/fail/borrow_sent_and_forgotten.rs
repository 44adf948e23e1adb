//! A transfer that reads borrowed memory is forgotten.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = &[1, 2, 3].map(u8::reverse_bits);
    mem::forget(sender.write_all(bytes));
}
