//! A buffer that is put away is cloned.
//!
//! E0599, H6: a buffer is given back twice, and freed twice.

use dma_api::transfer::Held;

pub fn main() {
    let held = Held::to_read(Box::new([1, 2]));
    let copy = held.clone();
    drop(copy);
}
