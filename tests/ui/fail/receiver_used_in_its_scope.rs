//! A receiver starts a second transfer in the middle of its first.
//!
//! E0499, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let mut other = parts::receiver();
    let outcome = receiver.scope(&mut bytes, |running| receiver.scope(&mut [0], |_| ()).is_ok() && running.is_done());
    assert!(outcome.is_ok());
    assert!(other.scope(&mut [0], |_| ()).is_ok());
}
