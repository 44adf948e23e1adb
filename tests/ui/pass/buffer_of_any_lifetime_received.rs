//! It passes on those that borrow nothing.

use dma_api::transfer::Transfer;
use embedded_dma::WriteBuffer;
use tests::chip::parts::{self, Receiver};

fn start<B>(half: Receiver, buffer: B) -> Option<Transfer<B, Receiver>>
where
    B: WriteBuffer<Word = u8> + 'static,
{
    half.read_exact(buffer).ok()
}

pub fn main() {
    assert!(start(parts::receiver(), Box::new([0; 16])).is_some());
}
