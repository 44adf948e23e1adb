//! Channel 4 is the transmitter's.

use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Usart, Usart1};
use tests::chip::{Chip, parts};

pub fn main() {
    let chip = Chip::stepped();
    let (tx, rx) = Usart::<_, Usart1>::new(chip.part(), parts::SETTINGS).split();
    let channels = Dma1::split(chip.part());
    let joined = tx.with_dma(channels.c4);
    drop((rx, joined));
}
