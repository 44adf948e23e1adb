//! It is given its own.

use dma_api::stm32f103::dma::Dma1;
use tests::chip::{Chip, Part};

pub fn main() {
    let chip = Chip::stepped();
    let _channels = Dma1::split(chip.part() as Part<Dma1>);
}
