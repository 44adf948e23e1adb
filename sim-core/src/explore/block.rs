//! The registers of one peripheral of a board, as a block of their own.
//!
//! On the chip a driver has them as a [`Volatile`](dma_api::registers::Volatile). An emulated chip has them behind the
//! addresses of [`OutsideRegisters`].

use std::fmt;
use std::marker::PhantomData;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::registers::{OutsideRegisters, Peripheral, Registers, RegistersOf, Share};

use super::Board;

/// The registers of the peripheral `P` of the board `B`, and the board's fence: see
/// [`Board::block`](super::Board::block).
///
/// ```
/// # use dma_api::registers::Registers;
/// # use dma_api::stm32f103::usart::{Usart1, map};
/// # use sim_core::explore::{Block, Board};
/// fn baud<B: Board>(board: B) -> u32 {
///     let usart: Block<B, Usart1> = board.block();
///     usart.read(map::brr())
/// }
/// ```
pub struct Block<B, P>(B, PhantomData<P>);

impl<B, P> Block<B, P> {
    pub(super) fn new(board: B) -> Self {
        Self(board, PhantomData)
    }
}

impl<B: Clone, P> Clone for Block<B, P> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<B: fmt::Debug, P> fmt::Debug for Block<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Block").field(&self.0).finish()
    }
}

impl<B, P: Peripheral> Block<B, P> {
    fn address(offset: u16) -> u32 {
        let base = u32::try_from(P::BASE).expect("the chip has 32-bit addresses");
        base + u32::from(offset)
    }
}

// SAFETY:
// - `read` and `write` are those of the emulated chip, whose registers these are.
// - Each takes effect at once, in program order.
unsafe impl<B: OutsideRegisters, P: Peripheral> Registers for Block<B, P> {
    fn read(&self, offset: u16) -> u32 {
        // SAFETY:
        // - It is an emulated chip, which has an answer for all addresses.
        unsafe { self.0.peek(Self::address(offset)) }
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - The register is there, as in `read`. If the write starts a transfer, its memory was released: the caller's
        //   debt, passed on unchanged.
        unsafe { self.0.poke(Self::address(offset), value) }
    }
}

// SAFETY:
// - They are the registers at the base of `P`, of an emulated chip that has it, or none: then they are all 0, and start
//   nothing.
unsafe impl<B: Board, P: Peripheral> RegistersOf<P> for Block<B, P> {}

// SAFETY:
// - A clone of a board is the same board, with the same fence (`Board`).
// - Each access takes effect at once, through whichever value.
unsafe impl<B: Board, P> Share for Block<B, P> {
    unsafe fn share(&self) -> Self {
        self.clone()
    }
}

// SAFETY:
// - All four are the board's, which keeps what is promised.
unsafe impl<B: DmaFence, P> DmaFence for Block<B, P> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.0.release(region) }
    }

    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released and the DMA has ended: the caller's debt, passed on unchanged.
        unsafe { self.0.acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.0.snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.0.fill(region, from) }
    }
}
