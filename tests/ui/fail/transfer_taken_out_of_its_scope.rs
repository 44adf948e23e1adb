//! The closure of a `scope` takes the transfer out of what it is lent.
//!
//! E0616, H1: with the transfer in hand, the closure could forget it.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let outcome = receiver.scope(&mut bytes, |running| {
        let _ = running.0;
    });
    assert!(outcome.is_ok());
}
