//! It is used, and then taken apart.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let mut ep0in = Ep0In::new(parts::usbd(), Box::leak(Box::new(PacketBuffer::new())));
    let taken = ep0in.busy();
    ep0in.start(&[1]).unwrap();
    let _ = taken;
}
