//! An `Option` of a buffer may be none: no place that stays.
//!
//! E0277, H4: safe code would decide what memory the DMA touches.

use tests::chip::parts;

pub fn main() {
    let receiver = parts::receiver();
    let transfer = receiver.read_exact(Some(Box::new([0; 16]))).unwrap();
    let (buffer, _) = transfer.wait().unwrap();
    drop(buffer);
}
