//! It passes on those that borrow nothing.

use dma_api::transfer::Transfer;
use embedded_dma::ReadBuffer;
use tests::chip::parts::{self, Sender};

fn start<B>(half: Sender, buffer: B) -> Option<Transfer<B, Sender>>
where
    B: ReadBuffer<Word = u8> + 'static,
{
    half.write_all(buffer).ok()
}

pub fn main() {
    assert!(start(parts::sender(), Box::new([1; 16])).is_some());
}
