//! An isochronous packet is sent from borrowed memory, and forgotten.
//!
//! E0716, H1: the DMA reads what has become of the frame.

use std::mem;

use dma_api::nrf52840::usbd::{Share, WithoutData};
use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.isoin.open(&mut engine, Share::Whole, WithoutData::Silence).unwrap();
    let samples = &mut [0; 48];
    mem::forget(endpoints.isoin.send(engine, samples, 48));
}
