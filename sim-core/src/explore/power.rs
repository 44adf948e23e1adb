//! The POWER and CLOCK registers of a board, as a block of their own.
//!
//! On the chip a driver has them as [`ChipRegisters`](dma_api::nrf52840::power::ChipRegisters). An emulated chip has
//! them behind the addresses of [`OutsideRegisters`].

use dma_api::nrf52840::power::map;
use dma_api::registers::{OutsideRegisters, Registers};

/// The POWER and CLOCK registers of the board `B`: see [`Board::power`](super::Board::power).
#[derive(Clone, Debug)]
pub struct PowerRegisters<B>(B);

impl<B> PowerRegisters<B> {
    pub(super) fn new(board: B) -> Self {
        Self(board)
    }
}

fn address(offset: u16) -> u32 {
    let base = u32::try_from(map::BASE).expect("the chip has 32-bit addresses");
    base + u32::from(offset)
}

// SAFETY:
// - `read` and `write` are those of the emulated chip, whose registers these are.
// - Each takes effect at once, in program order.
unsafe impl<B: OutsideRegisters> Registers for PowerRegisters<B> {
    fn read(&self, offset: u16) -> u32 {
        // SAFETY:
        // - The chip's POWER and CLOCK have the register; it is an emulated one, which has an answer for all others
        //   too.
        unsafe { self.0.peek(address(offset)) }
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - The register is there, as in `read`. It starts no transfer: none of POWER and CLOCK does.
        unsafe { self.0.poke(address(offset), value) }
    }
}
