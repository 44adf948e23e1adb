//! What is sent again and again is filled anew: it cannot be constant.
//!
//! E0277, H6: a constant changes, or the bus refuses the write.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let bytes = &[1, 2, 3, 4];
    let mut circular = sender.circular(bytes).unwrap();
    circular.write(&[5, 6]).unwrap();
}
