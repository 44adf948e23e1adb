//! A fence is copied by `Clone`, which is any code.
//!
//! E0277, H4: the copy is a fence for another machine.

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::registers::{Bus, Share};
use tests::chip::Part;

#[derive(Clone)]
struct Mapped;

// SAFETY:
// - Nobody uses it.
unsafe impl DmaFence for Mapped {
    unsafe fn release(&self, region: Region) -> BusAddress {
        BusAddress::of_pointer(region.pointer)
    }

    unsafe fn acquire(&self, _: Region) {}

    unsafe fn snapshot(&self, _: Region, _: *mut u8) {}

    unsafe fn fill(&self, _: Region, _: *const u8) {}
}
fn shared<T: Share>() {}

pub fn main() {
    shared::<Bus<Part<()>, Mapped>>();
}
