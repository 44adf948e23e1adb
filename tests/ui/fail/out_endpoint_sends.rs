//! An OUT endpoint is to send.
//!
//! E0599, H6: the DMA writes what it was lent to read.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let packet = Box::new([1, 2]);
    let _transfer = endpoints.epout[0].send(engine, packet);
}
