//! A buffer that is put away goes to another thread, and is an `Rc`.
//!
//! E0277, H6: two threads count one `Rc` at once.

use dma_api::transfer::Held;
use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    drop(parts::sender());
    goes(Held::to_read(std::rc::Rc::new([1, 2])));
}
