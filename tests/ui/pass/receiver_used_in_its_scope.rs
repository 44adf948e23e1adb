//! Another receiver does.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let mut other = parts::receiver();
    let outcome = receiver.scope(&mut bytes, |running| other.scope(&mut [0], |_| ()).is_ok() && running.is_done());
    assert!(outcome.is_ok());
    assert!(other.scope(&mut [0], |_| ()).is_ok());
}
