//! Endpoint 0 sends from a buffer of the stack, and is gone while it sends.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use dma_api::nrf52840::usbd::{Ep0In, PacketBuffer};
use tests::chip::parts;

pub fn main() {
    let usbd = parts::usbd();
    let buffer = &mut PacketBuffer::new();
    let mut ep0in = Ep0In::new(usbd, buffer);
    ep0in.start(&[1, 2, 3]).unwrap();
}
