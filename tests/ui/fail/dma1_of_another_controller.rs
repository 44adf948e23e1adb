//! DMA1's driver is given the registers of DMA2.
//!
//! E0277, H4: writes meant for one peripheral start transfers of another.

use dma_api::stm32f103::dma::Dma1;
use tests::chip::{Chip, Part};

pub fn main() {
    let chip = Chip::stepped();
    let _channels = Dma1::split(chip.part() as Part<dma_api::stm32f103::dma::Dma2>);
}
