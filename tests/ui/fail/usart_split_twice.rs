//! A USART is split a second time: each half is there twice.
//!
//! E0382, H7: a channel that runs is programmed again.

use tests::chip::parts;

pub fn main() {
    let usart = parts::usart1();
    let (tx, _rx) = usart.split();
    let (again, _) = usart.split();
    drop((tx, again));
}
