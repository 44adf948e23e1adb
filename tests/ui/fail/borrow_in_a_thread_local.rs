//! A transfer of borrowed memory is put where its frame does not reach it.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use std::cell::RefCell;

use dma_api::transfer::Transfer;
use tests::chip::parts::{self, Receiver};

thread_local! {
    static KEPT: RefCell<Option<Transfer<&'static mut [u8; 16], Receiver>>> = const { RefCell::new(None) };
}

pub fn main() {
    let receiver = parts::receiver();
    let buffer = &mut [0; 16];
    KEPT.set(receiver.read_exact(buffer).ok());
}
