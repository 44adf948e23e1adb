//! It is taken out.

use dma_api::transfer::Held;

pub fn main() {
    let held = Held::to_read(Box::new([1, 2]));
    let copy = held.into_inner();
    drop(copy);
}
