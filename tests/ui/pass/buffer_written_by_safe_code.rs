//! With `unsafe`, it is a promise.

use embedded_dma::WriteBuffer;

struct Elsewhere;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
unsafe impl WriteBuffer for Elsewhere {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (std::ptr::without_provenance_mut(0x2000_0000), 16)
    }
}

pub fn main() {
    let _elsewhere = Elsewhere;
}
