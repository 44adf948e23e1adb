//! With `unsafe`, it is a promise.

use embedded_dma::ReadBuffer;

struct Elsewhere;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
unsafe impl ReadBuffer for Elsewhere {
    type Word = u8;

    unsafe fn read_buffer(&self) -> (*const u8, usize) {
        (std::ptr::without_provenance(0x2000_0000), 16)
    }
}

pub fn main() {
    let _elsewhere = Elsewhere;
}
