//! The register block is used while a transfer runs.
//!
//! E0382, H7: registers are out of reach while EasyDMA runs.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let _running = transfer.is_done();
    engine.usbd().frame();
}
