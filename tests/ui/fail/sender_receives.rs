//! A sender is to receive.
//!
//! E0599, H6: the DMA writes what it was lent to read.

use tests::chip::{Chip, parts};

pub fn main() {
    let (sender, receiver) = parts::halves_of(Chip::stepped());
    let transfer = sender.read_exact(Box::new([0; 4]));
    assert!(transfer.is_ok());
    drop(sender);
}
