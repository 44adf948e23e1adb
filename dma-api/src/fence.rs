//! Who owns the buffer: the two fences of a DMA transfer.
//!
//! A DMA transfer is a thread that runs a `memcpy` which the compiler cannot see. What orders the program's accesses
//! to the buffer against that thread is a pair of fences:
//!
//! - **release** (`dma_start`): the CPU gives the buffer to the DMA. Everything that the CPU did to the buffer
//!   happens before the register write that starts the transfer.
//! - **acquire** (`dma_end`): the CPU takes the buffer back. Everything that the CPU does to the buffer afterwards
//!   happens after the register read that saw the transfer's end.
//!
//! For buffers that a DMA goes round for ever there are two more: `snapshot` and `fill` access a part that is the
//! DMA's, between registers that tell where the DMA is not.
//!
//! Without the first, the compiler (or a store buffer) may move the filling of the buffer behind the start. rustc
//! 1.95 does worse: it sees that nobody reads the buffer and deletes the stores. Without the second, a read of the
//! buffer may be done before the transfer's end was seen, or folded to the value from before the transfer.
//!
//! # Don't we need a memory barrier?
//!
//! It depends on the core.
//!
//! - [`InOrder`]: Cortex-M0 to M4F. ARM's application note AN321 (3.2, 4.18) says that these cores do not reorder
//!   memory transfers and do not overlap two writes, so that leaving out the DMB before a DMA start causes no error.
//!   What is left to stop is the compiler: `compiler_fence`, no instruction.
//! - [`Barrier`]: Cortex-M7 and multi-core Cortex-M. A Cortex-M7 has a store buffer (and a data cache, which these
//!   fences do *not* maintain); on a multi-core chip another core or another master sees writes in an order of its own.
//!   `fence` compiles to DMB there. For other architectures (aarch64, RISC-V) write a fence of your own: a CPU's fence
//!   need not order its memory accesses against its device accesses.
//!
//! dmacheck runs every driver of this crate with both on models of all three machines: `compiler_fence` is a race on
//! a Cortex-M7 and on a multi-core chip, and sound on a Cortex-M4.
//!
//! # Don't we need atomics?
//!
//! By the letter of `core`, yes: a fence synchronises through an atomic that both sides access, and `compiler_fence`
//! speaks of code on the same CPU only. A DMA engine has no atomics; what both sides access is a register, by
//! volatile. Today's compiler treats a volatile access like a relaxed atomic one, which makes "fence, then volatile
//! write" work. The language is on its way to say so: unsafe-code-guidelines#615 (accepted June 2026) and the
//! unstable `atomic_volatile` (rust-lang/rust#158947) make "release fence, then relaxed atomic volatile store" the
//! intended form. Its documentation warns that a standard fence may not be enough for a DMA device on some
//! architectures, aarch64 among them. This crate will move its registers to it when it is stable.
//!
//! # With a data cache
//!
//! A Cortex-M7 with its data cache on needs a fence that maintains the region's lines besides being a [`Barrier`]. What
//! it has to do, dmacheck finds by leaving it out (`sim_core::check::upkeep`):
//!
//! | | the DMA reads the region | the DMA writes it |
//! |---|---|---|
//! | `release` | clean | clean and invalidate |
//! | `acquire` | | invalidate: the core may have read a line ahead |
//! | `snapshot`, before the loads | | invalidate |
//! | `fill`, behind the stores | clean | |
//!
//! A region that the DMA writes has its lines to itself: begin it at a line, and let nothing else be in its last one.
//! Neither chip of this crate has a cache, so there is no such fence here.
//!
//! # Why the fence is given the region
//!
//! An empty `asm!("")` is not a fence for a buffer whose address it has not seen (rust-lang/rust#144351), and a
//! cache can only be maintained by address. A fence of yours that needs either has what it needs.

#![expect(clippy::disallowed_methods, reason = "the fences that every other file is kept from stand here")]

use core::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

use crate::address::{BusAddress, Region};

/// The moments at which a buffer changes hands between CPU and DMA.
///
/// A driver gives a buffer away before START and takes it back after END, here by hand:
///
/// ```
/// # use dma_api::address::{Direction, Region};
/// # use dma_api::fence::DmaFence;
/// # use dma_api::nrf52840::usbd::map;
/// # use dma_api::registers::Registers;
/// /// Sends 8 bytes to the host from endpoint 1.
/// fn send<B: Registers + DmaFence>(bus: &B, bytes: &'static mut [u8; 8]) -> &'static mut [u8; 8] {
///     let region = Region { pointer: bytes.as_mut_ptr(), length: 8, direction: Direction::MemoryToDevice };
///     // SAFETY: it is `'static`, and left alone until `acquire`.
///     let address = unsafe { bus.release(region) };
///     // SAFETY: of these writes the last starts a transfer, of memory that was released.
///     unsafe {
///         bus.write(map::epin_ptr(1), address.get());
///         bus.write(map::epin_maxcnt(1), 8);
///         bus.write(map::events_endepin(1), 0);
///         bus.write(map::tasks_startepin(1), 1);
///     }
///     while bus.read(map::events_endepin(1)) == 0 {}
///     // SAFETY: it was released above, and the DMA has ended.
///     unsafe { bus.acquire(region) };
///     bytes
/// }
/// ```
///
/// # Safety
///
/// An implementation promises, for the machine that it is used on:
/// - `release`: accesses that the calling thread made to the region before the call happen before every register
///   write that it makes after the call.
/// - `acquire`: accesses that the calling thread makes to the region after the call happen after every register
///   read that it made before the call.
/// - The address that `release` returns is the region's, for the DMA engine that the registers belong to.
/// - `snapshot`: its loads happen after every register read that the calling thread made before the call, and before
///   every register read that it makes after the call.
/// - `fill`: its stores happen after every register read that the calling thread made before the call, and before every
///   register write that it makes after the call.
pub unsafe trait DmaFence {
    /// Gives `region` to the DMA: CPU -> DMA.
    ///
    /// It comes before the register write that lends the region: the task that starts the transfer, or the address
    /// register, where writing that is what starts it.
    ///
    /// # Safety
    ///
    /// - The region is valid for what the DMA does to it (reads, or writes of any bytes), from now until `acquire`.
    /// - Until `acquire`, no CPU access conflicts with the DMA's.
    #[doc(alias = "dma_start")]
    #[track_caller]
    unsafe fn release(&self, region: Region) -> BusAddress;

    /// Takes `region` back from the DMA: DMA -> CPU.
    ///
    /// It comes after the register read that saw the end, on every path, error paths included.
    ///
    /// # Safety
    ///
    /// - `release` was called with this region, and the DMA has ended: a register said so.
    #[doc(alias = "dma_end")]
    #[track_caller]
    unsafe fn acquire(&self, region: Region);

    /// Copies `region` to `into` while it is the DMA's, which may be writing it: for buffers that are filled for ever.
    ///
    /// The bytes are loaded one by one, after every register read that came before the call, and before every one that
    /// comes after it: what registers say on both sides tells the caller which bytes stood still.
    ///
    /// # Safety
    ///
    /// - The region lies within one that `release` was called with, for the DMA to write, and `acquire` was not.
    /// - All of it was written, by the DMA or before: a buffer may be one that nobody has initialised.
    /// - `into` is valid for writes of as many bytes, and shares none with the region.
    #[track_caller]
    unsafe fn snapshot(&self, region: Region, into: *mut u8);

    /// Copies `from` to `region` while it is the DMA's, which may be reading it: for buffers that are sent for ever.
    ///
    /// The bytes are stored one by one, after every register read that came before the call, and before every register
    /// write that comes after it: that write hands them over. What a register says after it tells the caller whether
    /// the DMA has read bytes that it had not been told of.
    ///
    /// # Safety
    ///
    /// - The region lies within one that `release` was called with, for the DMA to read, and `acquire` was not.
    /// - Its pointer is valid for writes, and nobody but the DMA accesses the region.
    /// - `from` is valid for reads of as many bytes, and shares none with the region.
    #[track_caller]
    unsafe fn fill(&self, region: Region, from: *const u8);
}

/// Copies bytes that a DMA may be writing. Orders nothing: what stands around it does.
///
/// # Safety
///
/// - The region is valid for reads, was written, and is written by none but the DMA.
/// - `into` is valid for writes of as many bytes, and shares none with the region.
unsafe fn load_each(region: Region, into: *mut u8) {
    for index in 0..region.length {
        // SAFETY:
        // - The byte is valid for reads, atomic ones: it has a value, is aligned as every byte is, and who writes it is
        //   no thread of this program (the caller's debt).
        let byte = unsafe { AtomicU8::from_ptr(region.pointer.wrapping_add(index)) };
        // ORDERING: none needed: the fences of the callers stand around the loop.
        let byte = byte.load(Ordering::Relaxed);
        // SAFETY:
        // - It is one of the bytes that `into` is valid for (the caller's debt).
        unsafe { into.wrapping_add(index).write(byte) };
    }
}

/// Copies bytes to where a DMA may be reading. Orders nothing: what stands around it does.
///
/// # Safety
///
/// - The region's pointer is valid for writes, and the region is accessed by none but the DMA, which reads.
/// - `from` is valid for reads of as many bytes, and shares none with the region.
unsafe fn store_each(region: Region, from: *const u8) {
    for index in 0..region.length {
        // SAFETY:
        // - It is one of the bytes that `from` is valid for (the caller's debt).
        let value = unsafe { from.wrapping_add(index).read() };
        // SAFETY:
        // - The byte is valid for writes, atomic ones: it is aligned as every byte is, and who reads it is no thread of
        //   this program (the caller's debt).
        let byte = unsafe { AtomicU8::from_ptr(region.pointer.wrapping_add(index)) };
        // ORDERING: none needed: the fences of the callers stand around the loop.
        byte.store(value, Ordering::Relaxed);
    }
}

/// The fence for in-order cores: Cortex-M0, M0+, M3, M4, M4F. Orders the compiler, emits no instruction.
///
/// Too weak for a Cortex-M7 and for any multi-core chip: use [`Barrier`] there.
///
/// See [`Bus`](crate::registers::Bus) for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

// SAFETY:
// - `release`: `compiler_fence(Release)` keeps the compiler from moving earlier accesses behind later volatile
//   writes, and an in-order core performs them in program order (AN321 4.18).
// - `acquire`: `compiler_fence(Acquire)` keeps it from moving later accesses before earlier volatile reads; likewise.
// - The address is the pointer's own: CPU and DMA share the bus.
// - `snapshot`: a `compiler_fence(Acquire)` stands on each side of the loads, and lets neither them nor a register read
//   pass; likewise.
// - `fill`: `compiler_fence(Acquire)` stands before the stores, `compiler_fence(Release)` behind them; likewise.
unsafe impl DmaFence for InOrder {
    #[inline]
    unsafe fn release(&self, region: Region) -> BusAddress {
        let address = BusAddress::of_pointer(region.pointer);
        // ORDERING: pairs with `compiler_fence(Acquire)` in `acquire`; orders the CPU's accesses to the region before
        // the register write that starts the transfer.
        compiler_fence(Ordering::Release);
        address
    }

    #[inline]
    unsafe fn acquire(&self, _region: Region) {
        // ORDERING: pairs with `compiler_fence(Release)` in `release`; orders the CPU's accesses to the region after
        // the register read that saw the end.
        compiler_fence(Ordering::Acquire);
    }

    #[inline]
    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // ORDERING: orders the loads below after the register read that saw how far the DMA has come.
        compiler_fence(Ordering::Acquire);
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { load_each(region, into) };
        // ORDERING: orders the loads above before the register read that sees how far the DMA has come by then.
        compiler_fence(Ordering::Acquire);
    }

    #[inline]
    unsafe fn fill(&self, region: Region, from: *const u8) {
        // ORDERING: orders the stores below after the register read that saw how far the DMA has come.
        compiler_fence(Ordering::Acquire);
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { store_each(region, from) };
        // ORDERING: pairs with the DMA's order of reads; orders the stores above before the register write that hands
        // them over.
        compiler_fence(Ordering::Release);
    }
}

/// The fence for Cortex-M7 and for multi-core Cortex-M chips. Emits DMB.
///
/// Caches are not maintained: a buffer in cached memory needs a fence that cleans and invalidates its lines.
///
/// See [`Bus`](crate::registers::Bus) for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Barrier;

// SAFETY:
// - `release`: `fence(Release)` keeps the compiler from moving earlier accesses behind later volatile writes, and is a
//   DMB on Cortex-M, which orders all memory and device accesses before it with all after it (ARMv7-M ARM, DMB).
// - `acquire`: `fence(Acquire)` likewise, for later accesses and earlier volatile reads.
// - The address is the pointer's own: CPU and DMA share the bus.
// - `snapshot`: a DMB stands on each side of the loads.
// - `fill`: a DMB stands on each side of the stores.
unsafe impl DmaFence for Barrier {
    #[inline]
    unsafe fn release(&self, region: Region) -> BusAddress {
        let address = BusAddress::of_pointer(region.pointer);
        // ORDERING: pairs with `fence(Acquire)` in `acquire`; orders the CPU's accesses to the region before the
        // register write that starts the transfer.
        fence(Ordering::Release);
        address
    }

    #[inline]
    unsafe fn acquire(&self, _region: Region) {
        // ORDERING: pairs with `fence(Release)` in `release`; orders the CPU's accesses to the region after the
        // register read that saw the end.
        fence(Ordering::Acquire);
    }

    #[inline]
    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // ORDERING: orders the loads below after the register read that saw how far the DMA has come.
        fence(Ordering::Acquire);
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { load_each(region, into) };
        // ORDERING: orders the loads above before the register read that sees how far the DMA has come by then.
        fence(Ordering::Acquire);
    }

    #[inline]
    unsafe fn fill(&self, region: Region, from: *const u8) {
        // ORDERING: orders the stores below after the register read that saw how far the DMA has come.
        fence(Ordering::Acquire);
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { store_each(region, from) };
        // ORDERING: pairs with the DMA's order of reads; orders the stores above before the register write that hands
        // them over.
        fence(Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Direction;

    /// What `fence` copies of the last five bytes of seven, into the middle of seven.
    fn copied(fence: impl DmaFence) -> [u8; 7] {
        let mut from = [1, 2, 3, 4, 5, 6, 7];
        let mut into = [0; 7];
        let pointer = from.as_mut_ptr().wrapping_add(2);
        let region = Region { pointer, length: 5, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - There is no DMA. The region is the end of an array.
        // - `into` is another, and has room for so many from its second byte on.
        unsafe { fence.snapshot(region, into.as_mut_ptr().wrapping_add(1)) };
        into
    }

    /// What `fence` makes of seven bytes whose last five it fills, from the middle of seven.
    fn filled(fence: impl DmaFence) -> [u8; 7] {
        let mut region = [0; 7];
        let from = [1, 2, 3, 4, 5, 6, 7];
        let pointer = region.as_mut_ptr().wrapping_add(2);
        let part = Region { pointer, length: 5, direction: Direction::MemoryToDevice };
        // SAFETY:
        // - There is no DMA. The region is the end of an array.
        // - `from` is another, and has so many from its second byte on.
        unsafe { fence.fill(part, from.as_ptr().wrapping_add(1)) };
        region
    }

    #[test]
    fn snapshot_copies_each_byte_and_no_other() {
        assert_eq!([copied(InOrder), copied(Barrier)], [[0, 3, 4, 5, 6, 7, 0]; 2]);
    }

    #[test]
    fn fill_stores_each_byte_and_no_other() {
        assert_eq!([filled(InOrder), filled(Barrier)], [[0, 0, 2, 3, 4, 5, 6]; 2]);
    }
}
