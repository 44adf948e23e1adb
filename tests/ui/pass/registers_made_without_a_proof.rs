//! With `unsafe`, somebody answers for it.

use dma_api::registers::Volatile;
use dma_api::stm32f103::usart::ChipUsart1;

pub fn main() {
    // SAFETY:
    // - It is not used.
    let _usart1: ChipUsart1 = unsafe { Volatile::new() };
}
