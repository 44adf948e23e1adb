//! A fence that is none: a driver whose two fences are forgotten.

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;

/// Breaks its promise. Nothing here is ever run.
#[derive(Clone, Copy)]
pub(super) struct Unfenced;

// SAFETY:
// - It is not kept: that is what the twin is for. The emitted code is read, and never run.
unsafe impl DmaFence for Unfenced {
    #[inline]
    unsafe fn release(&self, region: Region) -> BusAddress {
        BusAddress::of_pointer(region.pointer)
    }

    #[inline]
    unsafe fn acquire(&self, _: Region) {}

    #[inline]
    unsafe fn snapshot(&self, _: Region, _: *mut u8) {}

    #[inline]
    unsafe fn fill(&self, _: Region, _: *const u8) {}
}
