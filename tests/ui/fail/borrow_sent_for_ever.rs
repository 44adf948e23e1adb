//! The DMA sends borrowed memory again and again, and is forgotten.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = &mut [1, 2, 3, 4];
    mem::forget(sender.circular(bytes));
}
