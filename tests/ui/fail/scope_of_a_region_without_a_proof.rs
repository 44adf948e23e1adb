//! A region that nobody has borrowed is lent to a scope, in safe code.
//!
//! E0133, H4: safe code would decide what memory the DMA touches.

use dma_api::address::{Direction, Region};
use dma_api::transfer;
use tests::chip::parts;

pub fn main() {
    let (mut sender, mut byte) = (parts::sender(), 1);
    let region = Region { pointer: &raw mut byte, length: 1, direction: Direction::MemoryToDevice };
    // SAFETY:
    // - The byte lives longer, and nobody uses it.
    let done = transfer::scope(&mut sender, region, |_| ()).is_ok();
    assert!(done);
}
