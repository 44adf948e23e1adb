//! A DMA engine's channel is implemented without a promise.
//!
//! E0200, H4: safe code would decide what memory the DMA touches.

use std::convert::Infallible;

use dma_api::address::Region;
use dma_api::transfer::Channel;

struct Nothing;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
impl Channel for Nothing {
    type Refusal = Infallible;
    type Error = Infallible;

    unsafe fn start(&mut self, _: Region) -> Result<(), Infallible> {
        Ok(())
    }

    fn is_done(&self) -> bool {
        true
    }

    unsafe fn end(&mut self, _: Region) -> Option<Result<(), Infallible>> {
        None
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        region.length
    }
}

pub fn main() {
    assert!(Nothing.is_done());
}
