//! A buffer of one's own promises that it stays where it is, and borrows it: nobody said for how long.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use dma_api::transfer::Held;
use embedded_dma::WriteBuffer;

struct Borrowed<'a>(&'a mut [u8; 16]);

// SAFETY:
// - The target of a reference stays where it is.
unsafe impl WriteBuffer for Borrowed<'_> {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.0.as_mut_ptr(), 16)
    }
}

pub fn main() {
    let bytes = &mut [0; 16];
    Held::to_write(Borrowed(bytes));
}
