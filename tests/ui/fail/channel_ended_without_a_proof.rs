//! A channel is told to give back what it was not given, in safe code.
//!
//! E0133, H8: the buffer is used before the DMA has let go of it.

use dma_api::transfer::{Channel, Held};
use tests::chip::parts;

pub fn main() {
    let (mut receiver, held) = (parts::receiver(), Held::to_write(Box::new([0_u8; 4])));
    // SAFETY:
    // - Nothing runs: it is as if it were over.
    assert_eq!(receiver.stop(held.region()), 4);
    held.into_inner();
}
