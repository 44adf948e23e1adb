//! The USB controller's driver is given the registers of a DMA.
//!
//! E0277, H4: writes meant for one peripheral start transfers of another.

use dma_api::nrf52840::usbd::Usbd;
use tests::chip::{Chip, Part};

pub fn main() {
    let chip = Chip::stepped();
    let _usbd = Usbd::new(chip.part() as Part<dma_api::stm32f103::dma::Dma1>);
}
