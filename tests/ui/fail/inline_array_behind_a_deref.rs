//! A type of one's own has its array inline, and looks like a pointer.
//!
//! E0277, H3: the address that the DMA has is not where the buffer is.

use std::ops::{Deref, DerefMut};

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
    let transfer = receiver.read_exact(inline).unwrap();
    drop(transfer);
}
