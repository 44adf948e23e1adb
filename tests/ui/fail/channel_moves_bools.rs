//! A channel moves booleans.
//!
//! E0277, H13: some patterns of bits are no value of the type.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

pub fn main() {
    moves::<bool>();
}
