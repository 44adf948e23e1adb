//! It is given its own.

use dma_api::stm32f103::usart::{Usart, Usart1};
use tests::chip::{Chip, Part, parts};

pub fn main() {
    let chip = Chip::stepped();
    let _usart = Usart::<_, Usart1>::new(chip.part() as Part<Usart1>, parts::SETTINGS);
}
