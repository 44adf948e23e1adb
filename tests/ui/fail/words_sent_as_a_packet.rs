//! Words of 16 bits are a packet: its length is in bytes.
//!
//! E0271, H9: the channel moves other words than the buffer has.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let packet = Box::new([1_u16, 2]);
    let (_engine, packet) = endpoints.epin[0].send(engine, packet).unwrap().wait();
    assert_eq!(packet[0], 1);
}
