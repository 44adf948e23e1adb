//! It can be leaked memory.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = Box::leak(Box::new([1, 2, 3, 4]));
    let mut circular = sender.circular(bytes).unwrap();
    circular.write(&[5, 6]).unwrap();
}
