//! `'static` buffers for programs that are run thousands of times.
//!
//! Firmware takes its buffer from a `static`, once. A program under exploration takes one in each run; leaking one
//! each time would fill the memory. So a buffer that a driver gives back is used again. One that is lost in flight is
//! leaked, which is what `'static` means.

use std::cell::RefCell;

use dma_api::nrf52840::usbd::PacketBuffer;

thread_local! {
    static PACKET_BUFFERS: RefCell<Vec<&'static mut PacketBuffer>> = const { RefCell::new(Vec::new()) };
    static BYTES: RefCell<Vec<&'static mut [u8]>> = const { RefCell::new(Vec::new()) };
}

/// Memory that has the lines of a data cache to itself.
#[repr(align(64))]
struct Lines<T>(T);

/// A buffer for endpoint 0 that nobody else has. It begins with a cache line, and shares none.
///
/// ```
/// # use sim_core::statics;
/// let buffer = statics::packet_buffer();
/// let address = std::ptr::from_ref(buffer);
/// statics::give_back(buffer); // a million runs want a million buffers, and get one
/// assert!(std::ptr::eq(address, statics::packet_buffer()));
/// ```
pub fn packet_buffer() -> &'static mut PacketBuffer {
    let used = PACKET_BUFFERS.with_borrow_mut(Vec::pop);
    used.unwrap_or_else(|| &mut Box::leak(Box::new(Lines(PacketBuffer::new()))).0)
}

/// Gives a buffer back.
///
/// See [`packet_buffer`] for an example.
pub fn give_back(buffer: &'static mut PacketBuffer) {
    PACKET_BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
}

/// So many bytes that nobody else has, all 0.
///
/// ```
/// # use sim_core::statics;
/// let bytes = statics::bytes(64);
/// assert_eq!(bytes, [0; 64]);
/// statics::give_back_bytes(bytes);
/// ```
pub fn bytes(length: usize) -> &'static mut [u8] {
    let used = BYTES.with_borrow_mut(|kept| {
        let index = kept.iter().position(|bytes| bytes.len() == length)?;
        Some(kept.swap_remove(index))
    });
    let bytes = used.unwrap_or_else(|| Box::leak(vec![0; length].into_boxed_slice()));
    bytes.fill(0);
    bytes
}

/// Gives bytes back.
///
/// See [`bytes`] for an example.
pub fn give_back_bytes(bytes: &'static mut [u8]) {
    BYTES.with_borrow_mut(|kept| kept.push(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_given_back_are_used_again_and_are_zero() {
        let (one, other) = (bytes(3), bytes(3));
        one.fill(7);
        let (first, second) = (one.as_ptr(), other.as_ptr());
        assert_ne!(first, second);
        give_back_bytes(one);
        assert_ne!(bytes(4).as_ptr(), first, "of another length");
        let again = bytes(3);
        assert_eq!((again.as_ptr(), &*again), (first, &[0; 3][..]));
    }
}
