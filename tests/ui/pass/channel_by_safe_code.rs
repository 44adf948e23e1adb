//! With `unsafe`, it is a promise.

use std::convert::Infallible;

use dma_api::address::Region;
use dma_api::transfer::Channel;

struct Nothing;

// SAFETY:
// - Nobody uses it: what it promises is not asked for.
unsafe impl Channel for Nothing {
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
