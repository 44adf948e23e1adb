//! A USART is written to, whose half is in a transfer.
//!
//! E0382, H7: a frame comes in the middle of a buffer's.

use tests::chip::parts;

pub fn main() {
    let mut usart = parts::usart1();
    usart.write(1);
    let channels = parts::channels();
    let (tx, _rx) = usart.split();
    let _transfer = tx.with_dma(channels.c4).write_all(&[1, 2]).unwrap();
    usart.write(2);
}
