//! Borrowed words are lent in safe code.
//!
//! E0133, H1: the frame is used again while the DMA writes it.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let words = &mut [0; 4];
    // SAFETY:
    // - It is dropped below.
    let transfer = receiver.read_exact_borrowed(words).unwrap();
    drop(transfer);
}
