//! A buffer that was not initialised is read as bytes, however many have arrived.
//!
//! E0308, H13: behind what has arrived, nobody has written.

use std::mem::MaybeUninit;

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Box::new([MaybeUninit::<u8>::uninit(); 8])).unwrap();
    let mut arrived = [0; 8];
    let count = transfer.received(&mut arrived);
    let (buffer, _, _) = transfer.stop();
    let bytes: &[u8] = &buffer[..];
    assert!(bytes.iter().all(|byte| *byte != 0) && buffer.len() == 8);
}
