//! A type of one's own is a word of the controller: the trait is sealed.
//!
//! E0277, H13: some patterns of bits are no value of the type.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

#[derive(Clone, Copy)]
struct Flag(bool);

// SAFETY: MUTANT
// - Not every pattern of bits is a value.
unsafe impl embedded_dma::Word for Flag {}

pub fn main() {
    assert!(Flag(true).0);
    moves::<Flag>();
}
