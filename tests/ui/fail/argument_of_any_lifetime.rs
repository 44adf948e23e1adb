//! A transfer of an argument goes back to the caller, who need not keep it.
//!
//! E0521, H1: the frame is used again while the DMA writes it.

use dma_api::transfer::Transfer;
use tests::chip::parts::{self, Receiver};

fn start(receiver: Receiver, buffer: &mut [u8]) -> Transfer<&'static mut [u8], Receiver> {
    receiver.read_exact(buffer).unwrap()
}

pub fn main() {
    start(parts::receiver(), Box::leak(Box::new([0; 16])));
}
