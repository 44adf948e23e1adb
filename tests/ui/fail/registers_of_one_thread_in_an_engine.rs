//! An engine goes to another thread, whose registers may not.
//!
//! E0277, H7: a handler's thread takes the engine, whose registers stay.

use std::rc::Rc;

use dma_api::nrf52840::usbd::Engine;

fn goes<T: Send>() {}

pub fn main() {
    goes::<Engine<Rc<u32>>>();
    let _: Option<Rc<u32>> = None;
}
