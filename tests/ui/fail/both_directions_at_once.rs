//! An OUT endpoint starts while a transfer of an IN endpoint runs.
//!
//! E0382, H7: the one engine is started while it runs.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let _running = transfer.is_done();
    let _second = endpoints.epout[0].receive(engine, Box::new([0; 8])).unwrap();
}
