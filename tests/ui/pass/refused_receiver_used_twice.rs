//! What a refusal gives back is used.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let empty: Box<[u8]> = Box::new([]);
    let Err(refused) = receiver.read_exact(empty) else { panic!("it is empty") };
    let _second = refused.channel.read_exact(refused.buffer);
}
