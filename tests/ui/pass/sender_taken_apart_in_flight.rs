//! They are taken after the end.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let transfer = sender.write_all(&[1, 2]).unwrap();
    let (_, sender) = transfer.wait().unwrap();
    let (_tx, _channel) = sender.into_parts();
}
