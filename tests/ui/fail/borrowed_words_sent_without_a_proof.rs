//! Borrowed words are sent in safe code.
//!
//! E0133, H1: the DMA reads what has become of the frame.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let words = &[1, 2, 3].map(u8::reverse_bits);
    // SAFETY:
    // - It is dropped below.
    let transfer = sender.write_all_borrowed(words).unwrap();
    drop(transfer);
}
