//! An engine is taken apart, and its endpoints are used with another.
//!
//! E0382, H7: they know of packets that the next engine does not.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let (mut other, mut others) = parts::engine();
    endpoints.epin[1].close(&mut other);
    engine.into_parts(endpoints);
    endpoints.epin[0].write(&mut other, &[1]).unwrap();
    others.epin[1].open(&mut other);
}
