//! With `unsafe`, it is a promise.

use embedded_dma::Word;

struct Flag(bool);

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
unsafe impl Word for Flag {}
pub fn main() {
    assert!(Flag(true).0);
}
