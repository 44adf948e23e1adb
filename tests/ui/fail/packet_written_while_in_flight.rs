//! A packet is written while EasyDMA reads it.
//!
//! E0382, H6: CPU and DMA touch the same memory.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let mut packet = Box::new([1, 2, 3]);
    packet[0] = 2;
    let transfer = endpoints.epin[0].send(engine, packet).unwrap();
    let _running = transfer;
    packet[0] = 4;
}
