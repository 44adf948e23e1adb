//! A transfer is started of any channel, in safe code.
//!
//! E0133, H7: a channel that runs is programmed again.

use dma_api::transfer::{Held, Transfer};
use tests::chip::parts;

pub fn main() {
    let (receiver, held) = (parts::receiver(), Held::to_write(Box::new([0; 4])));
    // SAFETY:
    // - No transfer of the channel runs.
    let transfer = Transfer::start(receiver, held).unwrap();
    drop(transfer);
}
