//! Bytes are.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let packet = Box::new([1_u8, 2]);
    let (_engine, packet) = endpoints.epin[0].send(engine, packet).unwrap().wait();
    assert_eq!(packet[0], 1);
}
