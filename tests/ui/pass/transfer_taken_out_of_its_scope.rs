//! It asks.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let outcome = receiver.scope(&mut bytes, |running| {
        let _ = running.moved();
    });
    assert!(outcome.is_ok());
}
