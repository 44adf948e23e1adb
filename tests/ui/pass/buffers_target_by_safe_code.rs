//! With `unsafe`, it is a promise.

use embedded_dma::WriteTarget;

struct Flags([u8; 4]);

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
unsafe impl WriteTarget for Flags {
    type Word = u8;
}

pub fn main() {
    assert_eq!(Flags([0; 4]).0, [0; 4]);
}
