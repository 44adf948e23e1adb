//! The transfer is asked instead.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let outcome = receiver.scope(&mut bytes, |running| running.is_done() && running.moved() == 3);
    assert!(outcome.is_ok());
}
