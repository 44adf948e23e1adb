//! Forgetting a transfer of leaked memory loses it, and breaks nothing.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let buffer = Box::leak(Box::new([0; 16]));
    mem::forget(receiver.read_exact(buffer));
}
