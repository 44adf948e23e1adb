//! Half and channel are taken from a sender whose transfer runs.
//!
//! E0382, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let transfer = sender.write_all(&[1, 2]).unwrap();
    let _running = transfer.is_done();
    let (_tx, _channel) = sender.into_parts();
}
