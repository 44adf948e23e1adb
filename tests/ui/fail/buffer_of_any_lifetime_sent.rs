//! A function passes on any buffer to send, whatever it borrows.
//!
//! E0310, H1: the DMA reads what has become of the frame.

use dma_api::transfer::Transfer;
use embedded_dma::ReadBuffer;
use tests::chip::parts::{self, Sender};

fn start<B>(half: Sender, buffer: B) -> Option<Transfer<B, Sender>>
where
    B: ReadBuffer<Word = u8>,
{
    half.write_all(buffer).ok()
}

pub fn main() {
    assert!(start(parts::sender(), Box::new([1; 16])).is_some());
}
