//! Its buffer lives for ever.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let usbd = parts::usbd();
    let buffer = Box::leak(Box::new(PacketBuffer::new()));
    let mut ep0in = Ep0In::new(usbd, buffer);
    ep0in.start(&[1, 2, 3]).unwrap();
}
