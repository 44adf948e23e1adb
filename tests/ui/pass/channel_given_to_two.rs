//! Each has a channel of a controller of its own.

use tests::chip::parts;

pub fn main() {
    let (channels, others) = (parts::channels(), parts::channels());
    let [(first, _), (second, _)] = [(); 2].map(|()| parts::usart1().split());
    let first = first.with_dma(channels.c4);
    let second = second.with_dma(others.c4);
    drop((first, second, others.c5));
}
