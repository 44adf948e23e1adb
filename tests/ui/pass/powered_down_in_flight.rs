//! It is powered down after the end.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let (engine, _) = transfer.wait();
    engine.into_parts(endpoints).0.power_down();
}
