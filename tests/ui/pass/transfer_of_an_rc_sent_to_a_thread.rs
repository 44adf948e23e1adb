//! One of an `Arc` may.

use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    let sender = parts::sender();
    goes(sender.write_all(std::sync::Arc::new([1, 2])).unwrap());
}
