//! The thread keeps a transfer of leaked memory.

use std::cell::RefCell;

use dma_api::transfer::Transfer;
use tests::chip::parts::{self, Receiver};

thread_local! {
    static KEPT: RefCell<Option<Transfer<&'static mut [u8; 16], Receiver>>> = const { RefCell::new(None) };
}

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::leak(Box::new([0; 16]));
    KEPT.set(receiver.read_exact(buffer).ok());
}
