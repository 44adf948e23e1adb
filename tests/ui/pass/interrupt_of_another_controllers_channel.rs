//! It is the same channel's.

use dma_api::stm32f103::dma::{AtomicWaker, Dma1, Interrupt};
use tests::chip::{Part, parts};

static WAKER: AtomicWaker = AtomicWaker::new();

pub fn main() {
    let channels = parts::channels();
    let (_, of_4): (_, Interrupt<Part<Dma1>, Dma1, 4>) = channels.c4.with_interrupt(&WAKER);
    of_4.on_interrupt();
}
