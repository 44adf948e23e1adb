//! A fence is implemented without a promise.
//!
//! E0200, H4: a fence that does nothing is given to every driver.

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;

struct NoFence;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl DmaFence for NoFence {
    unsafe fn release(&self, region: Region) -> BusAddress {
        BusAddress::of_pointer(region.pointer)
    }

    unsafe fn acquire(&self, _: Region) {}

    unsafe fn snapshot(&self, _: Region, _: *mut u8) {}

    unsafe fn fill(&self, _: Region, _: *const u8) {}
}

pub fn main() {
    let _: &dyn DmaFence = &NoFence;
}
