//! It starts it after the end of the first.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let first = sender.write_all(&[1, 2]).unwrap();
    let (_, sender) = first.wait().unwrap();
    let second = sender.write_all(&[3, 4]).unwrap();
    assert!(second.wait().is_ok());
}
