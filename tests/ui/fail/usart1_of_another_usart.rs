//! USART1's driver is given the registers of USART2.
//!
//! E0277, H4: writes meant for one peripheral start transfers of another.

use dma_api::stm32f103::usart::{Usart, Usart1};
use tests::chip::{Chip, Part, parts};

pub fn main() {
    let chip = Chip::stepped();
    let _usart = Usart::<_, Usart1>::new(chip.part() as Part<dma_api::stm32f103::usart::Usart2>, parts::SETTINGS);
}
