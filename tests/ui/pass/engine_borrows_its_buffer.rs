//! Its buffer lives for ever.

use dma_api::nrf52840::usbd::{Engine, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let usbd = parts::usbd();
    let buffer = Box::leak(Box::new(PacketBuffer::new()));
    let (engine, endpoints) = Engine::new(usbd, buffer);
    let (_usbd, _buffer) = engine.into_parts(endpoints);
}
