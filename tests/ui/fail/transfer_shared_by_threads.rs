//! A transfer is lent to another thread.
//!
//! E0277, H8: two threads ask one channel, and neither is told when the other ends it.

use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    goes(&transfer);
}
