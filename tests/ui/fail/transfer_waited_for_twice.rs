//! A transfer is waited for, and stopped all the same.
//!
//! E0382, H6: a buffer is given back twice.

use tests::chip::parts;

pub fn main() {
    let transfer = parts::sender().write_all(Box::new([1, 2])).unwrap();
    let _first = transfer.wait();
    transfer.stop();
}
