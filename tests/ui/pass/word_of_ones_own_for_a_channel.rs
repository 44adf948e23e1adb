//! The controller's words are three.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

#[derive(Clone, Copy)]
struct Flag(bool);

// SAFETY: MUTANT
// - Not every pattern of bits is a value.
unsafe impl embedded_dma::Word for Flag {}

pub fn main() {
    assert!(Flag(true).0);
    moves::<u16>();
}
