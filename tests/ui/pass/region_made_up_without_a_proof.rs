//! With `unsafe`, somebody answers for it.

use dma_api::address::{Direction, Region};
use dma_api::transfer::Held;

pub fn main() {
    let region = Region { pointer: std::ptr::dangling_mut(), length: 0, direction: Direction::DeviceToMemory };
    // SAFETY:
    // - It is empty.
    let held = unsafe { Held::new(region, ()) };
    held.into_inner();
}
