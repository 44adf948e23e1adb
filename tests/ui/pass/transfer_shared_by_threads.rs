//! It goes there.

use tests::chip::parts;

fn goes<T: Send>(_: T) {}

pub fn main() {
    let transfer = parts::sender().write_all(&[1, 2]).unwrap();
    goes(transfer);
}
