//! The engine copies by way of a buffer of the stack, and gives it back as one that lives for ever.
//!
//! E0716, H1: the frame is used again while the DMA writes it.

use dma_api::nrf52840::usbd::{Engine, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let usbd = parts::usbd();
    let buffer = &mut PacketBuffer::new();
    let (engine, endpoints) = Engine::new(usbd, buffer);
    let (_usbd, _buffer) = engine.into_parts(endpoints);
}
