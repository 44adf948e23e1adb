//! With `unsafe`, somebody promises not to forget the transfer.

use tests::chip::parts;

pub fn main() {
    let sender = parts::sender();
    let words = &[1, 2, 3].map(u8::reverse_bits);
    // SAFETY:
    // - It is dropped below.
    let transfer = unsafe { sender.write_all_borrowed(words) }.unwrap();
    drop(transfer);
}
