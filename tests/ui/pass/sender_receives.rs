//! A receiver is.

use tests::chip::{Chip, parts};

pub fn main() {
    let (sender, receiver) = parts::halves_of(Chip::stepped());
    let transfer = receiver.read_exact(Box::new([0; 4]));
    assert!(transfer.is_ok());
    drop(sender);
}
