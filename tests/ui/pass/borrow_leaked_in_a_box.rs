//! The box keeps what lives for ever.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::leak(Box::new([0; 16]));
    Box::leak(Box::new(receiver.read_exact(buffer)));
}
