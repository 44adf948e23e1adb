//! A packet is sent by way of the engine's own buffer, while a transfer runs.
//!
//! E0382, H7: the one engine is started while it runs.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let _running = transfer.is_done();
    endpoints.epin[1].write(&mut engine, &[3]).unwrap();
}
