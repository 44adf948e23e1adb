//! A packet is sent while the controller sleeps.
//!
//! E0382, H8: a transfer that is started in low power never ends.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let suspended = engine.suspend().unwrap();
    suspended.is_resumed();
    let _transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
}
