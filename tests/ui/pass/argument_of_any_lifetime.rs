//! The argument lives for ever, and so may the transfer.

use dma_api::transfer::Transfer;
use tests::chip::parts::{self, Receiver};

fn start(receiver: Receiver, buffer: &'static mut [u8]) -> Transfer<&'static mut [u8], Receiver> {
    receiver.read_exact(buffer).unwrap()
}

pub fn main() {
    start(parts::receiver(), Box::leak(Box::new([0; 16])));
}
