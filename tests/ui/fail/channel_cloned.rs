//! A channel is cloned: two transfers could use it.
//!
//! E0599, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let channels = parts::channels();
    let copy = channels.c4.clone();
    drop(copy);
}
