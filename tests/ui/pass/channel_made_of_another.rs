//! It is changed as it is.

use dma_api::stm32f103::dma::Priority;
use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let channel = channels.c4.with_priority(Priority::High);
    drop(channel);
}
