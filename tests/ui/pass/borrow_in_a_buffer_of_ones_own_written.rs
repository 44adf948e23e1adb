//! A buffer of one's own with leaked memory.

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
    let bytes = Box::leak(Box::new([0; 16]));
    Held::to_write(Borrowed(bytes));
}
