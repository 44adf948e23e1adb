//! With `unsafe`, somebody answers for it.

use dma_api::fence::InOrder;
use dma_api::registers::Bus;
use dma_api::stm32f103::dma::Dma1;
use tests::chip::{Chip, Part};

pub fn main() {
    let registers: Part<Dma1> = Chip::stepped().part();
    // SAFETY:
    // - It is not used.
    let _bus = unsafe { Bus::new(registers, InOrder) };
}
