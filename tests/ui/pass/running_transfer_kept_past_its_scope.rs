//! It is asked, and the answer kept.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let mut kept = None;
    let outcome = receiver.scope(&mut bytes, |running| kept = Some(running.moved()));
    assert!(outcome.is_ok());
    assert!(kept.is_some());
}
