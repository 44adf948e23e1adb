//! Registers are said to be a peripheral's without a promise.
//!
//! E0200, H4: safe code would decide what memory the DMA touches.

use dma_api::registers::{Registers, RegistersOf};
use dma_api::stm32f103::dma::Dma1;

struct Any;

// SAFETY:
// - Nobody uses it.
unsafe impl Registers for Any {
    fn read(&self, _: u16) -> u32 {
        0
    }

    unsafe fn write(&self, _: u16, _: u32) {}
}

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl RegistersOf<Dma1> for Any {}
pub fn main() {
    assert_eq!(Any.read(0), 0);
}
