//! `'static` buffers for programs that are run thousands of times.
//!
//! Firmware takes its buffer from a `static`, once. A program under exploration takes one in each run; leaking one
//! each time would fill the memory. So a buffer that a driver gives back is used again. One that is lost in flight is
//! leaked, which is what `'static` means.

use std::cell::RefCell;

use dma_api::nrf52840::usbd::PacketBuffer;

thread_local! {
    static PACKET_BUFFERS: RefCell<Vec<&'static mut PacketBuffer>> = const { RefCell::new(Vec::new()) };
}

/// A buffer for endpoint 0 that nobody else has.
pub fn packet_buffer() -> &'static mut PacketBuffer {
    let used = PACKET_BUFFERS.with_borrow_mut(Vec::pop);
    used.unwrap_or_else(|| Box::leak(Box::new(PacketBuffer::new())))
}

/// Gives a buffer back.
pub fn give_back(buffer: &'static mut PacketBuffer) {
    PACKET_BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
}
