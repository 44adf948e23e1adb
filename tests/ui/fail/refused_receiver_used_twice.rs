//! What a refusal gives back is used, and so is what it was given.
//!
//! E0382, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let empty: Box<[u8]> = Box::new([]);
    let Err(refused) = receiver.read_exact(empty) else { panic!("it is empty") };
    let _second = receiver.read_exact(refused.buffer);
}
