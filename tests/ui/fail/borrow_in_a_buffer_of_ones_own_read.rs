//! A buffer of one's own promises that it stays where it is, and borrows it: nobody said for how long.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use dma_api::transfer::Held;
use embedded_dma::ReadBuffer;

struct Borrowed<'a>(&'a [u8; 16]);

// SAFETY:
// - The target of a reference stays where it is.
unsafe impl ReadBuffer for Borrowed<'_> {
    type Word = u8;

    unsafe fn read_buffer(&self) -> (*const u8, usize) {
        (self.0.as_ptr(), 16)
    }
}

pub fn main() {
    let bytes = &mut [0; 16];
    Held::to_read(Borrowed(bytes));
}
