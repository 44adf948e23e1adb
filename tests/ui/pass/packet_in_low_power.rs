//! It is copied after the resume.

use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.epout[1].open(&mut engine);
    let suspended = engine.suspend().unwrap();
    let mut awake = suspended.resume();
    endpoints.epin[0].write(&mut awake, &[1]).unwrap();
}
