//! Registers and a fence are joined in safe code.
//!
//! E0133, H5: a fence of another core orders nothing here.

use dma_api::fence::InOrder;
use dma_api::registers::Bus;
use dma_api::stm32f103::dma::Dma1;
use tests::chip::{Chip, Part};

pub fn main() {
    let registers: Part<Dma1> = Chip::stepped().part();
    // SAFETY:
    // - It is not used.
    let _bus = Bus::new(registers, InOrder);
}
