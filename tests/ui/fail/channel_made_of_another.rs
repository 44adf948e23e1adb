//! A channel is made of another one, by hand: its registers are there twice.
//!
//! E0451, H7: a channel that runs is programmed again.

use dma_api::stm32f103::dma::Priority;
use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let channel = dma_api::stm32f103::dma::Channel { priority: Priority::High, ..channels.c4 };
    drop(channel);
}
