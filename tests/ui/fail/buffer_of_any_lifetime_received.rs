//! A function passes on any buffer, whatever it borrows.
//!
//! E0310, H1: the frame is used again while the DMA writes it.

use dma_api::transfer::Transfer;
use embedded_dma::WriteBuffer;
use tests::chip::parts::{self, Receiver};

fn start<B>(half: Receiver, buffer: B) -> Option<Transfer<B, Receiver>>
where
    B: WriteBuffer<Word = u8>,
{
    half.read_exact(buffer).ok()
}

pub fn main() {
    assert!(start(parts::receiver(), Box::new([0; 16])).is_some());
}
