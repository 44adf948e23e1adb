//! What a driver hands to a DMA engine: a region of memory, a bus address.
//!
//! The CPU names memory by a pointer, with provenance and 64 bits on a host. A DMA engine names it by the 32-bit
//! number it puts on the bus. [`DmaFence::release`](crate::fence::DmaFence::release) is the only place where the
//! one becomes the other, because that is also the moment at which the memory changes hands.

use core::fmt;
use core::ops::Range;

/// An address on the chip's 32-bit bus, as it is written to a PTR or CMAR register.
///
/// ```
/// # use dma_api::address::BusAddress;
/// let address = BusAddress::new(0x2003_FFFE);
/// assert!(address.is_in_ram(2));
/// assert!(!address.is_in_ram(3), "EasyDMA would leave the RAM");
/// assert_eq!(address.to_string(), "0x2003fffe");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusAddress(u32);

impl BusAddress {
    /// The address with this number.
    pub const fn new(address: u32) -> Self {
        Self(address)
    }

    /// The address that `pointer` has on a chip whose bus the CPU shares, one to one.
    ///
    /// The pointer's provenance is exposed: it is the only statement that the language offers for "somebody who is
    /// not Rust may use this address from now on".
    ///
    /// # Panics
    ///
    /// If the address needs more than 32 bits. That cannot happen on a 32-bit chip, where the check compiles to
    /// nothing; on a host it says that a fence for a real chip was given to a driver that runs in the simulator.
    pub fn of_pointer(pointer: *mut u8) -> Self {
        match u32::try_from(pointer.expose_provenance()) {
            Ok(address) => Self(address),
            Err(_) => {
                panic!("a host pointer does not fit the chip's 32-bit bus: use the fence of the simulator's bus here")
            }
        }
    }

    /// Whether `length` bytes from here lie in the nRF52840's 256 KiB of RAM, which is all that EasyDMA reaches.
    pub const fn is_in_ram(self, length: usize) -> bool {
        self.is_within(length, 0x2000_0000..0x2004_0000)
    }

    /// Whether `length` bytes from here lie in `memory`.
    pub const fn is_within(self, length: usize, memory: Range<usize>) -> bool {
        let size = memory.end - memory.start;
        // From before its start this is farther than any end.
        let offset = (self.0 as usize).wrapping_sub(memory.start);
        length <= size && offset <= size - length
    }

    /// The number that goes onto the bus.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Display for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Which way a DMA transfer moves bytes, seen from memory.
///
/// See [`Region`] for an example.
// A word, so that a `Transfer` is one of whole words, and the room that an enum around it needs is here: a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Direction {
    /// The DMA reads memory: an IN endpoint, a serial transmitter.
    MemoryToDevice,
    /// The DMA writes memory: an OUT endpoint, a serial receiver.
    DeviceToMemory,
}

/// Memory that changes hands between CPU and DMA: a pointer, a length in bytes and a direction.
///
/// Making a region lends nothing. The debt arises in [`DmaFence::release`](crate::fence::DmaFence::release).
///
/// ```
/// # use dma_api::address::{Direction, Region};
/// let mut buffer = [0; 64];
/// let region = Region { pointer: buffer.as_mut_ptr(), length: buffer.len(), direction: Direction::DeviceToMemory };
/// buffer[0] = 1; // nothing is lent yet
/// assert_eq!(region.length, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first byte. For [`Direction::DeviceToMemory`] it comes from an `as_mut_ptr`, so that a write through it
    /// is allowed.
    pub pointer: *mut u8,
    /// The length in bytes.
    pub length: usize,
    /// Which way the bytes move.
    pub direction: Direction,
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn address_below_four_gibibytes_is_kept() {
        let pointer = core::ptr::without_provenance_mut(0x2000_0040);
        assert_eq!(BusAddress::of_pointer(pointer), BusAddress::new(0x2000_0040));
    }

    #[test]
    fn ram_is_reached_from_its_first_byte_to_its_last() {
        let in_ram = |address, length| BusAddress::new(address).is_in_ram(length);
        assert!(in_ram(0x2000_0000, 0x4_0000) && in_ram(0x2003_FFFF, 1) && in_ram(0x2004_0000, 0));
        assert!(!in_ram(0x1FFF_FFFF, 1) && !in_ram(0x1FFF_FFFF, 0), "flash, or nothing");
        assert!(!in_ram(0x2000_0001, 0x4_0000) && !in_ram(0x2004_0000, 1) && !in_ram(u32::MAX, 1), "past the end");
        assert!(!in_ram(0x2000_0000, usize::MAX));
    }

    #[test]
    fn bytes_are_within_memory_or_not() {
        let within = |address, length| BusAddress::new(address).is_within(length, 0x0800_0000..0x0800_0010);
        assert!(within(0x0800_0000, 16) && within(0x0800_000F, 1) && within(0x0800_0010, 0));
        assert!(!within(0x0800_0000, 17) && !within(0x07FF_FFFF, 1) && !within(0x0800_0010, 1));
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    #[should_panic(expected = "use the fence of the simulator's bus")]
    fn host_pointer_is_refused_by_name() {
        BusAddress::of_pointer(core::ptr::without_provenance_mut(0x7fff_0000_0000));
    }

    #[test]
    fn address_is_shown_as_the_datasheet_writes_it() {
        let address = BusAddress::new(0x2000_0040);
        assert_eq!((format!("{address:?}"), format!("{address}")), ("0x20000040".into(), "0x20000040".into()));
    }
}
