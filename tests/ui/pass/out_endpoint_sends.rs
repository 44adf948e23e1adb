//! An IN endpoint is.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let packet = Box::new([1, 2]);
    let _transfer = endpoints.epin[0].send(engine, packet);
}
