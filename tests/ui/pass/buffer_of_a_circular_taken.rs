//! Halves are copied.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let mut circular = receiver.circular(Box::new([0; 8])).unwrap();
    let _half = circular.read(&mut [0; 4]);
}
