//! It sends leaked memory.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = Box::leak(Box::new([1, 2, 3, 4]));
    mem::forget(sender.circular(bytes));
}
