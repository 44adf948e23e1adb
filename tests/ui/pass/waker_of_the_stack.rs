//! The waker lives for ever.

use dma_api::stm32f103::dma::AtomicWaker;
use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let waker = Box::leak(Box::new(AtomicWaker::new()));
    let (_channel, interrupt) = channels.c4.with_interrupt(waker);
    interrupt.on_interrupt();
}
