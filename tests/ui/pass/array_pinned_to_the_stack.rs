//! A box is elsewhere.

use std::mem;
use std::pin::Pin;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let pinned = Pin::new(Box::leak(Box::new([0; 16])));
    mem::forget(receiver.read_exact(pinned.get_mut()));
}
