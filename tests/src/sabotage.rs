//! Twins: the same property with one thing wrong, which must be found.
//!
//! [`Twin`] is what can be wrong around `Ep0In`; the other properties have their own. [`Sabotaged`] is the board that
//! all of them see.

use std::fmt;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::map;
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf, Share};

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

impl Mischief for Twin {
    fn reads(&self, offset: u16, read: impl FnOnce() -> u32) -> u32 {
        let value = read();
        match self {
            Self::HidesReset if offset == map::events_usbreset() => 0,
            Self::EndsAtOnce if offset == map::events_endepin(0) => 1,
            _ => value,
        }
    }

    fn writes(&self, offset: u16, value: u32) -> Option<u32> {
        match self {
            Self::CutsPackets if offset == map::epin_maxcnt(0) => Some(value.saturating_sub(1)),
            Self::KeepsShorts if offset == map::shorts() && value == 0 => None,
            _ => Some(value),
        }
    }

    fn forgets_acquire(&self) -> bool {
        *self == Self::ForgetsAcquire
    }
}

/// What is wrong with a board.
pub trait Mischief: Clone + fmt::Debug {
    /// What a read of the register at `offset` returns; `read` is the board's.
    fn reads(&self, _offset: u16, read: impl FnOnce() -> u32) -> u32 {
        read()
    }

    /// What is written to the register at `offset` in place of `value`, if anything.
    ///
    /// Never more of a transfer than the driver asks for: a length is made smaller, an address is left alone.
    fn writes(&self, _offset: u16, value: u32) -> Option<u32> {
        Some(value)
    }

    /// Whether `acquire` does nothing.
    fn forgets_acquire(&self) -> bool {
        false
    }
}

/// A board, or one of its peripherals, as the driver sees it: what stands between may be wrong.
#[derive(Clone, Debug)]
pub struct Sabotaged<B, M = Twin> {
    board: B,
    mischief: Option<M>,
}

impl<B, M> Sabotaged<B, M> {
    /// `board`, with this wrong about it, or nothing.
    pub fn new(board: B, mischief: Option<M>) -> Self {
        Self { board, mischief }
    }
}

// SAFETY:
// - They are the board's, which are those of `P`.
// - Of two that are used at once, the board says the same.
unsafe impl<P, B: RegistersOf<P>, M: Mischief> RegistersOf<P> for Sabotaged<B, M> {}

// SAFETY:
// - They are the registers of the same board, with the same wrong about them.
// - What a twin gets wrong comes at once, as the board's accesses do.
unsafe impl<B: Share, M: Mischief> Share for Sabotaged<B, M> {
    unsafe fn share(&self) -> Self {
        // SAFETY:
        // - The two never access the same register: the caller's debt, passed on unchanged.
        let board = unsafe { self.board.share() };
        Self { board, mischief: self.mischief.clone() }
    }
}

// SAFETY:
// - `read` and `write` are the board's, but for what a twin gets wrong. MUTANT: a register that is made up or left out
//   harms the program under test, not this one, as long as the board closes a window that is taken back, as
//   `explore::stepped` does.
// - Their order is the board's.
unsafe impl<B: Registers, M: Mischief> Registers for Sabotaged<B, M> {
    fn read(&self, offset: u16) -> u32 {
        let read = || self.board.read(offset);
        match &self.mischief {
            Some(mischief) => mischief.reads(offset, read),
            None => read(),
        }
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        let written = self.mischief.as_ref().map_or(Some(value), |mischief| mischief.writes(offset, value));
        let Some(value) = written else {
            return;
        };
        // SAFETY:
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on. A length that is
        //   smaller than the caller's makes the transfer shorter, so it touches no other memory.
        unsafe { self.board.write(offset, value) }
    }
}

impl<B: OutsideRegisters, M: Mischief> OutsideRegisters for Sabotaged<B, M> {
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
// - `acquire` orders what the board's does. MUTANT: of a twin that forgets it, it does nothing; that harms the program
//   under
//   test, not this one, as long as the board runs driver and engine on one thread, as `explore::stepped` does.
// - The address is the board's.
unsafe impl<B: DmaFence, M: Mischief> DmaFence for Sabotaged<B, M> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.board.release(region) }
    }

    unsafe fn acquire(&self, region: Region) {
        if self.mischief.as_ref().is_some_and(Mischief::forgets_acquire) {
            return;
        }
        // SAFETY:
        // - The region was released and the DMA has ended: the caller's debt, passed on. MUTANT: a caller that
        //   was lied to takes it back too early; the board then reports `AcquiredInFlight` and closes its window, so
        //   that its engine
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
