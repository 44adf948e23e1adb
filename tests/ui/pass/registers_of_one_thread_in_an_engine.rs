//! Its endpoints may.

use std::rc::Rc;

use dma_api::nrf52840::usbd::Engine;

fn goes<T: Send>() {}

pub fn main() {
    goes::<(Engine<u32>, dma_api::nrf52840::usbd::Endpoints)>();
    let _: Option<Rc<u32>> = None;
}
