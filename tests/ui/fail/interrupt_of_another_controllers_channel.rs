//! The handler's part of one channel stands for another's.
//!
//! E0308, H7: the handler stops a channel that another transfer has.

use dma_api::stm32f103::dma::{AtomicWaker, Dma1, Interrupt};
use tests::chip::{Part, parts};

static WAKER: AtomicWaker = AtomicWaker::new();

pub fn main() {
    let channels = parts::channels();
    let (_, of_4): (_, Interrupt<Part<Dma1>, Dma1, 4>) = channels.c5.with_interrupt(&WAKER);
    of_4.on_interrupt();
}
