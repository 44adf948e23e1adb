//! It is freed after it.

use tests::chip::parts;

pub fn main() {
    let mut sender = parts::sender();
    let bytes = vec![1, 2, 3];
    let outcome = sender.scope(&bytes, |_| drop(bytes.clone()));
    assert!(outcome.is_ok());
}
