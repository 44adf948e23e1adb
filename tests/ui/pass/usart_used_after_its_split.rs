//! The half comes back first.

use tests::chip::parts;

pub fn main() {
    let mut usart = parts::usart1();
    usart.write(1);
    let channels = parts::channels();
    let (tx, _rx) = parts::usart1().split();
    let _transfer = tx.with_dma(channels.c4).write_all(&[1, 2]).unwrap();
    usart.write(2);
}
