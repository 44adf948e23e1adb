//! The controller is put to sleep while a transfer runs.
//!
//! E0382, H8: a transfer that the low power stops never ends.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let _running = transfer.is_done();
    assert!(engine.suspend().is_ok());
}
