//! The array is leaked, and the reference pinned.

use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use tests::chip::parts;

#[derive(Debug)]
struct Inline([u8; 16]);

impl Deref for Inline {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Inline {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Inline {
    fn leaked(self) -> &'static mut [u8] {
        &mut Box::leak(Box::new(self)).0
    }
}

pub fn main() {
    let receiver = parts::receiver();
    let inline = Inline([0; 16]);
    let transfer = receiver.read_exact(Pin::into_inner(Pin::new(inline.leaked()))).unwrap();
    drop(transfer);
}
