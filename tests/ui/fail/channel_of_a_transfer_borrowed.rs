//! The channel of a transfer that runs is borrowed: `mem::replace` would take it.
//!
//! E0624, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0; 4])).unwrap();
    let _channel = transfer.channel();
    drop(transfer);
}
