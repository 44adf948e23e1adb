//! With `unsafe`, somebody answers for it.

use dma_api::transfer::{Channel, Held};
use tests::chip::parts;

pub fn main() {
    let (mut receiver, held) = (parts::receiver(), Held::to_write(Box::new([0_u8; 4])));
    // SAFETY:
    // - Nothing runs: it is as if it were over.
    assert_eq!(unsafe { receiver.stop(held.region()) }, 4);
    held.into_inner();
}
