//! Another is split.

use tests::chip::parts;

pub fn main() {
    let usart = parts::usart1();
    let (tx, _rx) = usart.split();
    let (again, _) = parts::usart1().split();
    drop((tx, again));
}
