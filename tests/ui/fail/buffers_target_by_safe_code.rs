//! A type of one's own is what buffers point to, without a promise.
//!
//! E0200, H13: some patterns of bits are no value of the type.

use embedded_dma::WriteTarget;

struct Flags([u8; 4]);

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl WriteTarget for Flags {
    type Word = u8;
}

pub fn main() {
    assert_eq!(Flags([0; 4]).0, [0; 4]);
}
