//! Endpoint 0 is taken apart, and is used all the same.
//!
//! E0382, H6: CPU and DMA touch the same memory.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let mut ep0in = Ep0In::new(parts::usbd(), Box::leak(Box::new(PacketBuffer::new())));
    let taken = ep0in.into_parts();
    ep0in.start(&[1]).unwrap();
    let _ = taken;
}
