//! It is sent after the resume.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let suspended = engine.suspend().unwrap();
    let engine = suspended.resume();
    let _transfer = endpoints.epin[0].send(engine, Box::new([1, 2])).unwrap();
}
