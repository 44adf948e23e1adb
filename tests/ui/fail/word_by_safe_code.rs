//! A type of one's own is a word of buffers, without a promise.
//!
//! E0200, H13: some patterns of bits are no value of the type.

use embedded_dma::Word;

struct Flag(bool);

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl Word for Flag {}
pub fn main() {
    assert!(Flag(true).0);
}
