//! The buffer itself.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([0; 16])).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    drop(buffer);
}
