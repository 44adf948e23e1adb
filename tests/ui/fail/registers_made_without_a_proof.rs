//! The registers of the real chip are taken in safe code.
//!
//! E0133, H4: safe code makes a second value of a peripheral.

use dma_api::registers::Volatile;
use dma_api::stm32f103::usart::ChipUsart1;

pub fn main() {
    // SAFETY:
    // - It is not used.
    let _usart1: ChipUsart1 = Volatile::new();
}
