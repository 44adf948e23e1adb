//! It is asked, and stopped.

use tests::chip::parts;

pub fn main() {
    let transfer = parts::sender().write_all(Box::new([1, 2])).unwrap();
    let _first = transfer.is_done();
    transfer.stop();
}
