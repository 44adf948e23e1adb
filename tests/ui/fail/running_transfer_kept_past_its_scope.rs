//! What is lent to the closure of a `scope` is kept.
//!
//! E0521, H1: what it asks about is over, and its frame used again.

use tests::chip::parts;

pub fn main() {
    let mut receiver = parts::receiver();
    let mut bytes = [0; 3];
    let mut kept = None;
    let outcome = receiver.scope(&mut bytes, |running| kept = Some(running));
    assert!(outcome.is_ok());
    assert!(kept.is_some());
}
