//! A sender starts a second transfer while the first runs.
//!
//! E0382, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let first = sender.write_all(&[1, 2]).unwrap();
    let _running = first.is_done();
    let second = sender.write_all(&[3, 4]).unwrap();
    assert!(second.wait().is_ok());
}
