//! 32 are the most.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

pub fn main() {
    moves::<u32>();
}
