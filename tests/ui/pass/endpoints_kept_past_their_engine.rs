//! The other engine has endpoints of its own.

use tests::chip::parts;

pub fn main() {
    let (engine, mut endpoints) = parts::engine();
    let (mut other, mut others) = parts::engine();
    endpoints.epin[1].close(&mut other);
    engine.into_parts(endpoints);
    others.epin[0].write(&mut other, &[1]).unwrap();
    others.epin[1].open(&mut other);
}
