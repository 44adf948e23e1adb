//! A transfer is made of a channel and a buffer, by hand.
//!
//! E0451, H5: buffer and channel come back from a transfer that nobody has started.

use dma_api::transfer::{Held, Transfer};
use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::new([0; 4]);
    let transfer = Transfer { channel: std::mem::ManuallyDrop::new(receiver), held: Held::to_write(buffer) };
    let _running: Transfer<_, _> = transfer;
}
