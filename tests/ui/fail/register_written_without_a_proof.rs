//! A register is written in safe code.
//!
//! E0133, H4: a write can start a transfer to anywhere.

use dma_api::nrf52840::usbd::{UsbdBlock, map};
use dma_api::registers::Registers;
use tests::chip::{Chip, Part};

pub fn main() {
    let usbd: Part<UsbdBlock> = Chip::stepped().part();
    // SAFETY:
    // - A packet of no bytes touches no memory.
    usbd.write(map::tasks_startepin(0), 1);
}
