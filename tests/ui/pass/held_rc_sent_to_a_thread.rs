//! An `Arc` may go.

use dma_api::transfer::Held;
use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    drop(parts::sender());
    goes(Held::to_read(std::sync::Arc::new([1, 2])));
}
