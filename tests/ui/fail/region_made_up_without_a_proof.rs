//! A region is held that no buffer has named.
//!
//! E0133, H4: safe code names any memory.

use dma_api::address::{Direction, Region};
use dma_api::transfer::Held;

pub fn main() {
    let region = Region { pointer: std::ptr::dangling_mut(), length: 0, direction: Direction::DeviceToMemory };
    // SAFETY:
    // - It is empty.
    let held = Held::new(region, ());
    held.into_inner();
}
