//! Registers that the linker places: the other way to write a chip down.
//!
//! A vendor's linker script says `DMA1 = 0x40020000;`, and the program has an `extern` static of this name. To the
//! compiler it is an object like any other: a buffer is certainly not in it. Of an address that is a mere number LLVM
//! 22 does not say so, once the buffer's own address has been made a number, too. So a driver on these registers is
//! optimised harder than one on `Volatile`.

use core::marker::PhantomData;

use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::registers::{Registers, RegistersOf, Share};
use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::Usart1;

unsafe extern "C" {
    static mut DMA1: [u32; 0x100];
    static mut USART1: [u32; 0x100];
    static mut USBD: [u32; 0x400];
}

/// The registers of `P`, where the linker has put them.
pub(super) struct Placed<P>(PhantomData<P>);

impl<P> Placed<P> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// A peripheral that the linker knows.
pub(super) trait Symbol {
    /// The first of its registers, and the offset of the last.
    const REGISTERS: (*mut u32, usize);
}

impl Symbol for Dma1 {
    const REGISTERS: (*mut u32, usize) = ((&raw mut DMA1).cast(), 0x3FC);
}

impl Symbol for Usart1 {
    const REGISTERS: (*mut u32, usize) = ((&raw mut USART1).cast(), 0x3FC);
}

impl Symbol for UsbdBlock {
    const REGISTERS: (*mut u32, usize) = ((&raw mut USBD).cast(), 0xFFC);
}

impl<P: Symbol> Placed<P> {
    fn register(offset: u16) -> *mut u32 {
        let (first, last) = P::REGISTERS;
        first.wrapping_byte_add(usize::from(offset) & last)
    }
}

// SAFETY:
// - `read` and `write` are one volatile access each.
// - Volatile accesses are not reordered among themselves.
unsafe impl<P: Symbol> Registers for Placed<P> {
    #[inline]
    fn read(&self, offset: u16) -> u32 {
        // SAFETY:
        // - It is a word of the peripheral: `register` cuts the offset down to one.
        unsafe { Self::register(offset).read_volatile() }
    }

    #[inline]
    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - It is a word of the peripheral: as in `read`.
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on unchanged.
        unsafe { Self::register(offset).write_volatile(value) }
    }
}

// SAFETY:
// - They are those of `P`, by the symbol's name.
// - Nobody uses them: it is never run.
unsafe impl<P: Symbol> RegistersOf<P> for Placed<P> {}

// SAFETY:
// - They are the registers of `P`, which is part of the type. There is no fence.
// - Volatile accesses are not reordered among themselves, whichever value they go through.
unsafe impl<P> Share for Placed<P> {
    unsafe fn share(&self) -> Self {
        Self::new()
    }
}
