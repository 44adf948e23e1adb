//! What is not dropped may go on: its buffer lives for ever.

use std::mem::ManuallyDrop;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::leak(Box::new([0; 16]));
    let _kept = ManuallyDrop::new(receiver.read_exact(buffer));
}
