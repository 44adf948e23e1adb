//! It is given its own.

use dma_api::nrf52840::usbd::Usbd;
use tests::chip::{Chip, Part};

pub fn main() {
    let chip = Chip::stepped();
    let _usbd = Usbd::new(chip.part() as Part<dma_api::nrf52840::usbd::UsbdBlock>);
}
