//! A driver starts it.

use dma_api::transfer::{Held, Transfer};
use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::new([0; 4]);
    let transfer = receiver.read_exact(Held::to_write(buffer).into_inner()).unwrap();
    let _running: Transfer<_, _> = transfer;
}
