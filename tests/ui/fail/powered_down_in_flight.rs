//! The controller is powered down while a transfer runs.
//!
//! E0382, H8: the controller is off, and END never comes.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let _running = transfer.is_done();
    engine.into_parts(endpoints).0.power_down();
}
