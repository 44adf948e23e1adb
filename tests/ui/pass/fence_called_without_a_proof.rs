//! With `unsafe`, somebody answers for it.

use dma_api::fence::DmaFence;
use dma_api::transfer::Held;
use tests::chip::{Chip, Part};

pub fn main() {
    let (fence, held): (Part<()>, _) = (Chip::stepped().part(), Held::to_read(Box::new([1])));
    // SAFETY:
    // - No DMA is told.
    let _address = unsafe { fence.release(held.region()) };
    held.into_inner();
}
