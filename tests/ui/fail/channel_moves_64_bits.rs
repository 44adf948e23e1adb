//! A channel has no access of 64 bits.
//!
//! E0277, H9: the channel moves other words than the buffer has.

use dma_api::stm32f103::dma::Word;

fn moves<W: Word>() {}

pub fn main() {
    moves::<u64>();
}
