//! Bytes are.

use dma_api::transfer::Held;

pub fn main() {
    let text = Box::<str>::from("0123");
    let held = Held::to_write(text.into_boxed_bytes());
    assert_eq!(held.into_inner().len(), 4);
}
