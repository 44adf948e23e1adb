//! It moves bytes.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

pub fn main() {
    moves::<u8>();
}
