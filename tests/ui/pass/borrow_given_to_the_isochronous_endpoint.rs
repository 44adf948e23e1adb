//! It is sent from leaked memory.

use std::mem;

use dma_api::nrf52840::usbd::{Share, WithoutData};
use tests::chip::parts;

pub fn main() {
    let (mut engine, mut endpoints) = parts::engine();
    endpoints.isoin.open(&mut engine, Share::Whole, WithoutData::Silence).unwrap();
    let samples = Box::leak(Box::new([0; 48]));
    mem::forget(endpoints.isoin.send(engine, samples, 48));
}
