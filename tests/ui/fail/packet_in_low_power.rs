//! A packet is copied to an endpoint while the controller sleeps.
//!
//! E0308, H8: a transfer that is started in low power never ends.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let suspended = engine.suspend().unwrap();
    let mut awake = suspended;
    endpoints.epin[0].write(&mut awake, &[1]).unwrap();
}
