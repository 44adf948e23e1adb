//! A channel's handler is given a waker of the stack.
//!
//! E0716, H1: the handler wakes by a frame that is used again.

use dma_api::stm32f103::dma::AtomicWaker;
use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let waker = &AtomicWaker::new();
    let (_channel, interrupt) = channels.c4.with_interrupt(waker);
    interrupt.on_interrupt();
}
