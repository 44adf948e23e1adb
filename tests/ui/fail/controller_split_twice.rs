//! A DMA controller is split a second time: each channel is there twice.
//!
//! E0382, H7: a channel that runs is programmed again.

use dma_api::stm32f103::dma::Dma1;
use tests::chip::Chip;

pub fn main() {
    let dma1 = Chip::stepped().part();
    let channels = Dma1::split(dma1);
    let again = Dma1::split(dma1);
    drop((channels.c4, again.c4));
}
