//! Another controller is split.

use dma_api::stm32f103::dma::Dma1;
use tests::chip::Chip;

pub fn main() {
    let dma1 = Chip::stepped().part();
    let channels = Dma1::split(dma1);
    let again = Dma1::split(Chip::stepped().part());
    drop((channels.c4, again.c4));
}
