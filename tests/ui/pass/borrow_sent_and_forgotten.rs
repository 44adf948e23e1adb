//! Constant bytes are read for ever.

use std::mem;

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes: &'static [u8; 3] = &[1, 2, 3];
    mem::forget(sender.write_all(bytes));
}
