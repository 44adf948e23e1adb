//! With `unsafe`, somebody answers for it.

use dma_api::nrf52840::usbd::{UsbdBlock, map};
use dma_api::registers::Registers;
use tests::chip::{Chip, Part};

pub fn main() {
    let usbd: Part<UsbdBlock> = Chip::stepped().part();
    // SAFETY:
    // - A packet of no bytes touches no memory.
    unsafe { usbd.write(map::tasks_startepin(0), 1) };
}
