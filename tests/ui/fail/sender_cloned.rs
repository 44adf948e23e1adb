//! A sender is cloned, and its channel with it.
//!
//! E0599, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let copy = sender.clone();
    drop(copy);
}
