//! The register block is powered down, while endpoint 0 has it.
//!
//! E0596, H8: the controller is off, and END never comes.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let ep0in = Ep0In::new(parts::usbd(), Box::leak(Box::new(PacketBuffer::new())));
    let usbd = ep0in.usbd();
    usbd.power_down();
}
