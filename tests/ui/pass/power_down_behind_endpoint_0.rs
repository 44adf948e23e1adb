//! Endpoint 0 gives it back first.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let ep0in = Ep0In::new(parts::usbd(), Box::leak(Box::new(PacketBuffer::new())));
    let usbd = &mut ep0in.into_parts().unwrap().0;
    usbd.power_down();
}
