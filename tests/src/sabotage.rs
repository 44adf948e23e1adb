//! Twins: the same property with one thing wrong, which must be found.

use std::fmt;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::{UsbdBlock, map};
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The board's `acquire` does nothing.
    ForgetsAcquire,
    /// A Cortex-M7, and a driver with `compiler_fence`.
    WeakFences,
    /// The reference says that `end` without a transfer is `NotDone`.
    WrongReference,
    /// EVENTS_USBRESET reads as 0.
    HidesReset,
    /// EVENTS_ENDEPIN\[0\] reads as 1.
    EndsAtOnce,
    /// EPIN\[0\].MAXCNT is one byte short.
    CutsPackets,
    /// SHORTS cannot be cleared.
    KeepsShorts,
    /// A bus reset ends a running transfer without ENDEPIN\[0\]: the limit that `Ep0In` documents.
    ResetSwallowsEnd,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 8] = [
        Self::ForgetsAcquire,
        Self::WeakFences,
        Self::WrongReference,
        Self::HidesReset,
        Self::EndsAtOnce,
        Self::CutsPackets,
        Self::KeepsShorts,
        Self::ResetSwallowsEnd,
    ];
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ForgetsAcquire => "forgets-acquire",
            Self::WeakFences => "weak-fences",
            Self::WrongReference => "wrong-reference",
            Self::HidesReset => "hides-reset",
            Self::EndsAtOnce => "ends-at-once",
            Self::CutsPackets => "cuts-packets",
            Self::KeepsShorts => "keeps-shorts",
            Self::ResetSwallowsEnd => "reset-swallows-end",
        })
    }
}

/// A board as the driver sees it: what stands between may be wrong.
#[derive(Debug)]
pub struct Sabotaged<B> {
    board: B,
    twin: Option<Twin>,
}

impl<B> Sabotaged<B> {
    /// `board`, with this wrong about it, or nothing.
    pub fn new(board: B, twin: Option<Twin>) -> Self {
        Self { board, twin }
    }
}

// SAFETY:
// - They are the board's, which are the USBD's.
unsafe impl<B: RegistersOf<UsbdBlock>> RegistersOf<UsbdBlock> for Sabotaged<B> {}

// SAFETY:
// - `read` and `write` are the board's, but for what a twin gets wrong. MUTANT: a register that is made up or left out
//   harms the program under test, not this one, as long as the board closes a window that is taken back, as
//   `explore::stepped` does.
// - Their order is the board's.
unsafe impl<B: Registers> Registers for Sabotaged<B> {
    fn read(&self, offset: u16) -> u32 {
        let value = self.board.read(offset);
        match self.twin {
            Some(Twin::HidesReset) if offset == map::events_usbreset() => 0,
            Some(Twin::EndsAtOnce) if offset == map::events_endepin(0) => 1,
            _ => value,
        }
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        let value = match self.twin {
            Some(Twin::CutsPackets) if offset == map::epin_maxcnt(0) => value.saturating_sub(1),
            Some(Twin::KeepsShorts) if offset == map::shorts() && value == 0 => return,
            _ => value,
        };
        // SAFETY:
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on. A MAXCNT that is
        //   smaller than the caller's makes the transfer shorter, so it touches no other memory.
        unsafe { self.board.write(offset, value) }
    }
}

impl<B: OutsideRegisters> OutsideRegisters for Sabotaged<B> {
    unsafe fn peek(&self, address: u32) -> u32 {
        // SAFETY:
        // - The erratum names it: the caller's debt, passed on unchanged.
        unsafe { self.board.peek(address) }
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        // SAFETY:
        // - The erratum names it: the caller's debt, passed on unchanged.
        unsafe { self.board.poke(address, value) }
    }
}

// SAFETY:
// - `release` orders, and returns, what the board's does, and so do `snapshot` and `fill`.
// - `acquire` orders what the board's does. MUTANT: with `ForgetsAcquire` it does nothing; that harms the program under
//   test, not this one, as long as the board runs driver and engine on one thread, as `explore::stepped` does.
// - The address is the board's.
unsafe impl<B: DmaFence> DmaFence for Sabotaged<B> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.board.release(region) }
    }

    unsafe fn acquire(&self, region: Region) {
        if self.twin == Some(Twin::ForgetsAcquire) {
            return;
        }
        // SAFETY:
        // - The region was released and the DMA has ended: the caller's debt, passed on. MUTANT: with `EndsAtOnce` the
        //   caller was lied to; the board then reports `AcquiredInFlight` and closes its window, so that its engine
        //   does not reach the region.
        unsafe { self.board.acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.board.snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.board.fill(region, from) }
    }
}
