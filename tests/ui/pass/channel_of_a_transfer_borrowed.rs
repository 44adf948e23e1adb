//! A transfer that runs can be asked.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0; 4])).unwrap();
    let _moved = transfer.moved();
    drop(transfer);
}
