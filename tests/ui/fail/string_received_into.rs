//! A string is received: not all bytes are UTF-8.
//!
//! E0277, H13: some patterns of bits are no value of the type.

use dma_api::transfer::Held;

pub fn main() {
    let text = Box::<str>::from("0123");
    let held = Held::to_write(text);
    assert_eq!(held.into_inner().len(), 4);
}
