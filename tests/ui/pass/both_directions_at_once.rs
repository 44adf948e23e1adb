//! It starts after the end.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
    let (engine, _) = transfer.wait();
    let _second = endpoints.epout[0].receive(engine, Box::new([0; 8])).unwrap();
}
