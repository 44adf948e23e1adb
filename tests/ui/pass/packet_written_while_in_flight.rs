//! It is written after the end.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let mut packet = Box::new([1, 2, 3]);
    packet[0] = 2;
    let transfer = endpoints.epin[0].send(engine, packet).unwrap();
    let (_engine, mut packet) = transfer.wait();
    packet[0] = 4;
}
