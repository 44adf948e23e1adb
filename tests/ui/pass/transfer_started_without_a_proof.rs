//! With `unsafe`, somebody says that none runs.

use dma_api::transfer::{Held, Transfer};
use tests::chip::parts;

pub fn main() {
    let (receiver, held) = (parts::receiver(), Held::to_write(Box::new([0; 4])));
    // SAFETY:
    // - No transfer of the channel runs.
    let transfer = unsafe { Transfer::start(receiver, held) }.unwrap();
    drop(transfer);
}
