//! Register access: the seam between a driver and its chip, real or not.
//!
//! A driver is generic over one *bus*: a type that implements [`Registers`] and
//! [`DmaFence`]. On hardware that is [`Bus`] over [`Volatile`]; in the simulator and under
//! loom it is a handle to an emulated chip. The driver cannot tell, so what is checked is what ships.

use crate::address::{BusAddress, Region};
use crate::fence::DmaFence;

/// The 32-bit registers of one peripheral, by their offset from its base address in bytes.
///
/// They order nothing but themselves; memory is the business of [`DmaFence`].
///
/// A test of a driver may have registers that hold what it puts there:
///
/// ```
/// use core::cell::Cell;
/// use dma_api::nrf52840::usbd::{Usbd, UsbdBlock, map};
/// use dma_api::registers::{Registers, RegistersOf};
///
/// struct Cells(Vec<Cell<u32>>);
///
/// // SAFETY: they are cells, and nobody lets go of memory by them.
/// unsafe impl Registers for &Cells {
///     fn read(&self, offset: u16) -> u32 {
///         self.0[usize::from(offset) / 4].get()
///     }
///     unsafe fn write(&self, offset: u16, value: u32) {
///         self.0[usize::from(offset) / 4].set(value);
///     }
/// }
/// // SAFETY: as above.
/// unsafe impl RegistersOf<UsbdBlock> for &Cells {}
///
/// let cells = Cells(vec![Cell::new(0); 0x400]);
/// Usbd::new(&cells).listen(map::inten::USBRESET.mask());
/// assert_eq!((&cells).read(map::intenset()), 1);
/// ```
///
/// # Safety
///
/// Drivers let go of memory, and take it back, by what they read. An implementation promises:
/// - `read` returns what the register holds, and `write` writes it: none is made up, merged or left out.
/// - Accesses through one value happen in program order, as on device memory.
pub unsafe trait Registers {
    /// Reads the register at `offset`.
    ///
    /// Safe: no read of a peripheral that this crate describes starts a transfer.
    #[track_caller]
    fn read(&self, offset: u16) -> u32;

    /// Writes the register at `offset`.
    ///
    /// # Safety
    ///
    /// - If the write starts a DMA transfer, now or (as a shortcut does) later, then the memory that the transfer
    ///   touches was given to the DMA by [`DmaFence::release`] before this write, and stays with it until
    ///   [`DmaFence::acquire`].
    #[track_caller]
    unsafe fn write(&self, offset: u16, value: u32);
}

/// Registers outside of a peripheral's block, by their address: what the workaround of an erratum pokes.
///
/// A driver for another peripheral wants [`Registers`] of its own; an emulated chip has them behind this trait.
///
/// ```
/// # use dma_api::registers::OutsideRegisters;
/// /// A board without such registers, for a driver whose workarounds do not matter in a test.
/// struct Board;
///
/// impl OutsideRegisters for Board {
///     unsafe fn peek(&self, _address: u32) -> u32 {
///         0
///     }
///     unsafe fn poke(&self, _address: u32, _value: u32) {}
/// }
/// # // SAFETY: it does nothing.
/// # assert_eq!(unsafe { Board.peek(0x4006_EC00) }, 0);
/// ```
pub trait OutsideRegisters {
    /// Reads the register at `address`. 0 where a board has none.
    ///
    /// # Safety
    ///
    /// - This is the chip whose errata name the register, or whose peripheral has it.
    #[track_caller]
    unsafe fn peek(&self, address: u32) -> u32;

    /// Writes the register at `address`. Does nothing where a board has none.
    ///
    /// # Safety
    ///
    /// - This is the chip whose errata name the register, and the value is what its workaround writes; or the chip
    ///   whose peripheral has it, and what [`Registers::write`] asks for is the case.
    #[track_caller]
    unsafe fn poke(&self, address: u32, value: u32);
}

/// A peripheral of a chip.
///
/// See [`Registers`] for an example.
pub trait Peripheral {
    /// The address of its first register.
    const BASE: usize;
}

/// The registers of one peripheral of a chip: which, says `P`.
///
/// Its value can be given to a safe constructor of the driver of `P`.
///
/// See [`Registers`] for an example.
///
/// # Safety
///
/// - The registers are those of `P`, or of a model of it, at their offsets from its base. Those of another peripheral
///   may start transfers that nobody here knows of.
/// - Nobody else uses them while a driver has the value; or, if it is a model that can be cloned, two that are used at
///   once harm no memory.
pub unsafe trait RegistersOf<P>: Registers {}

// SAFETY:
// - The registers are those of `R`, which promises it.
// - So is nobody else's use of them.
unsafe impl<P, R: RegistersOf<P>, F> RegistersOf<P> for Bus<R, F> {}

/// Registers that the drivers of a peripheral's parts (the channels of a DMA controller) can share.
///
/// It is a promise, so that no safe code can make one controller's channels out of another's registers:
///
/// ```compile_fail,E0200
/// # use dma_api::registers::Share;
/// struct EitherBoard(u32);
/// impl Share for EitherBoard { // whose channel 4 is whose? `unsafe impl`
///     unsafe fn share(&self) -> Self {
///         Self(1 - self.0)
///     }
/// }
/// ```
/// Nor does a fence come along by code of its own, as `Clone` is:
///
/// ```compile_fail,E0277
/// # use dma_api::stm32f103::dma::{ChipDma1, Dma1};
/// # use dma_api::{address::{BusAddress, Region}, fence::DmaFence};
/// #[derive(Clone)] // and not `Copy`
/// struct Mapped(u32);
/// # // SAFETY: it is not run.
/// # unsafe impl DmaFence for Mapped {
/// #     unsafe fn release(&self, _: Region) -> BusAddress { BusAddress::new(self.0) }
/// #     unsafe fn acquire(&self, _: Region) {}
/// #     unsafe fn snapshot(&self, _: Region, _: *mut u8) {}
/// #     unsafe fn fill(&self, _: Region, _: *const u8) {}
/// # }
///
/// fn split(dma1: ChipDma1<Mapped>) {
///     Dma1::split(dma1); // `Mapped: Copy` is not satisfied
/// }
/// ```
///
/// # Safety
///
/// An implementation promises, of what `share` returns:
/// - It is the same peripheral's registers, and its fence promises what the first one's does, for the same engine.
/// - Accesses through the two happen in program order.
pub unsafe trait Share: Sized {
    /// The same registers, once more.
    ///
    /// # Safety
    ///
    /// - The two values never access the same register, but for registers whose every access stands for itself: no
    ///   value that was read from one is written back to it, changed.
    unsafe fn share(&self) -> Self;
}

// SAFETY:
// - They are the registers at `BASE`, which is part of the type. There is no fence.
// - Volatile accesses are not reordered among themselves, whichever value they go through; nor is device memory.
unsafe impl<const BASE: usize, const SIZE: usize> Share for Volatile<BASE, SIZE> {
    unsafe fn share(&self) -> Self {
        // INVARIANT: the two do not use the same registers, or do not disturb each other there (the caller's debt).
        Self(())
    }
}

// SAFETY:
// - They are those of `R`, which promises it. The fence is the same, bit by bit: no code of its own has made the copy,
//   as `Clone` may.
// - So does `R`.
unsafe impl<R: Share, F: Copy> Share for Bus<R, F> {
    unsafe fn share(&self) -> Self {
        // SAFETY:
        // - The two do not disturb each other: the caller's debt, passed on unchanged.
        let registers = unsafe { self.registers.share() };
        Self { registers, fence: self.fence }
    }
}

/// The `SIZE` bytes of registers from `BASE` on, by volatile accesses: the real chip.
///
/// See [`Bus`] for an example.
///
/// # Invariants
///
/// - At most one value for a peripheral is in use at a time (the debt of [`Volatile::new`]); or each keeps to its part
///   (that of [`Share::share`]).
#[derive(Debug)]
pub struct Volatile<const BASE: usize, const SIZE: usize = 0x1000>(());

impl<const BASE: usize, const SIZE: usize> Volatile<BASE, SIZE> {
    /// What an offset is cut down to: a word within the registers.
    const OFFSETS: usize = {
        assert!(SIZE.is_power_of_two() && SIZE >= 4, "the registers of a peripheral are a power of two of bytes");
        SIZE - 4
    };

    /// Takes the peripheral whose registers start at `BASE`.
    ///
    /// # Safety
    ///
    /// - A peripheral's registers are at `BASE..BASE + SIZE`: this runs on the chip that has them.
    /// - Nobody else accesses these registers while the value is in use.
    /// - No transfer runs, and no shortcut will start one, that the peripheral was given before.
    pub const unsafe fn new() -> Self {
        // INVARIANT: the caller promises that nobody else has the peripheral.
        Self(())
    }

    const fn pointer(offset: u16) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(BASE + (offset as usize & Self::OFFSETS))
    }
}

// SAFETY:
// - `read` and `write` are one volatile access each: the compiler neither makes up, merges nor leaves out any.
// - Volatile accesses are not reordered among themselves, by the compiler; device memory keeps program order, on Arm.
unsafe impl<const BASE: usize, const SIZE: usize> Registers for Volatile<BASE, SIZE> {
    #[inline]
    fn read(&self, offset: u16) -> u32 {
        // SAFETY:
        // - The address is a register: `new` was promised `SIZE` bytes of them, and `pointer` cuts the offset down to
        //   an aligned word of these.
        unsafe { Self::pointer(offset).read_volatile() }
    }

    #[inline]
    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - The address is a register: as in `read`.
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on unchanged.
        unsafe { Self::pointer(offset).write_volatile(value) }
    }
}

impl<const BASE: usize, const SIZE: usize> OutsideRegisters for Volatile<BASE, SIZE> {
    #[inline]
    unsafe fn peek(&self, address: u32) -> u32 {
        let register = core::ptr::with_exposed_provenance::<u32>(address as usize & !3);
        // SAFETY:
        // - It is a register: the caller's debt, passed on unchanged. It is aligned.
        unsafe { register.read_volatile() }
    }

    #[inline]
    unsafe fn poke(&self, address: u32, value: u32) {
        let register = core::ptr::with_exposed_provenance_mut::<u32>(address as usize & !3);
        // SAFETY:
        // - It is a register: the caller's debt, passed on unchanged. It is aligned.
        unsafe { register.write_volatile(value) }
    }
}

/// A peripheral's registers together with the fence of the core that uses them: the one type a driver is generic over.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Usbd};
/// # use dma_api::registers::Volatile;
/// // SAFETY: this runs on an nRF52840, nobody else uses USBD, and nobody has before.
/// let registers = unsafe { Volatile::new() };
/// // SAFETY: a Cortex-M4F is in order, and CPU and EasyDMA share the bus.
/// let bus = unsafe { ChipBus::new(registers, InOrder) };
/// let usbd = Usbd::new(bus);
/// ```
#[derive(Debug)]
pub struct Bus<R, F> {
    registers: R,
    fence: F,
}

impl<R: Registers, F: DmaFence> Bus<R, F> {
    /// Joins `registers` and `fence`.
    ///
    /// # Safety
    ///
    /// - The fence keeps its promise on the core that this runs on ([`crate::fence`] says which is for which).
    /// - The addresses that it returns are those of the engine behind `registers`.
    pub const unsafe fn new(registers: R, fence: F) -> Self {
        Self { registers, fence }
    }
}

// SAFETY:
// - `read` and `write` are those of `R`, which promises the same.
// - So is their order.
unsafe impl<R: Registers, F> Registers for Bus<R, F> {
    #[inline]
    fn read(&self, offset: u16) -> u32 {
        self.registers.read(offset)
    }

    #[inline]
    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on unchanged.
        unsafe { self.registers.write(offset, value) }
    }
}

impl<R: OutsideRegisters, F> OutsideRegisters for Bus<R, F> {
    #[inline]
    unsafe fn peek(&self, address: u32) -> u32 {
        // SAFETY:
        // - The erratum names it: the caller's debt, passed on unchanged.
        unsafe { self.registers.peek(address) }
    }

    #[inline]
    unsafe fn poke(&self, address: u32, value: u32) {
        // SAFETY:
        // - The erratum names it: the caller's debt, passed on unchanged.
        unsafe { self.registers.poke(address, value) }
    }
}

// SAFETY:
// - `release` and `acquire` order what `DmaFence` promises: they are those of `F`, which promises it.
// - The address is the region's for the engine behind `R`: `Bus::new` was promised.
unsafe impl<R, F: DmaFence> DmaFence for Bus<R, F> {
    #[inline]
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.fence.release(region) }
    }

    #[inline]
    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released and the DMA has ended: the caller's debt, passed on unchanged.
        unsafe { self.fence.acquire(region) }
    }

    #[inline]
    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.fence.snapshot(region, into) }
    }

    #[inline]
    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.fence.fill(region, from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatile_offset_stays_inside_the_peripheral() {
        type Usbd = Volatile<0x4002_7000>;
        assert_eq!(Usbd::pointer(0x004).addr(), 0x4002_7004);
        assert_eq!(Usbd::pointer(0xFFFF).addr(), 0x4002_7FFC);
        assert_eq!(Volatile::<0x4002_0000, 0x400>::pointer(0x404).addr(), 0x4002_0004);
    }
}
