//! With `unsafe`, somebody promises not to forget the transfer.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let words = &mut [0; 4];
    // SAFETY:
    // - It is dropped below.
    let transfer = unsafe { receiver.read_exact_borrowed(words) }.unwrap();
    drop(transfer);
}
