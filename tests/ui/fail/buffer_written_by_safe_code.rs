//! A buffer of one's own names any memory, without a promise.
//!
//! E0200, H4: safe code would decide what memory the DMA touches.

use embedded_dma::WriteBuffer;

struct Elsewhere;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl WriteBuffer for Elsewhere {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (std::ptr::without_provenance_mut(0x2000_0000), 16)
    }
}

pub fn main() {
    let _elsewhere = Elsewhere;
}
