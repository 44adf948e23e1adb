//! Who answers for the registers: the chip that runs on this thread.

use std::cell::RefCell;
use std::ops::Range;
use std::panic::Location;
use std::rc::Rc;

/// Where ARMv7-M chips have registers: peripherals, the private peripheral bus; and the nRF52's FICR and UICR.
pub const REGISTERS: [Range<u32>; 3] = [0x4000_0000..0x6000_0000, 0xE000_0000..0xE010_0000, 0x1000_0000..0x1000_2000];

/// Whether a cell at `address` is a register: it lies in one of [`REGISTERS`]. No 64-bit operating system puts memory
/// of a program there unless it is asked to.
#[inline]
pub fn is_register(address: usize) -> bool {
    // One comparison says no for most cells, which lie above 4 GiB.
    u32::try_from(address).is_ok_and(|address| REGISTERS.iter().any(|range| range.contains(&address)))
}

/// An access of a register, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The address.
    pub address: u32,
    /// How many bytes are accessed. A register has 1, 2 or 4; what it says to others is its own affair.
    pub bytes: usize,
    /// Who accesses it: the line that calls the cell. In generated code that is the same for all registers.
    pub line: &'static Location<'static>,
}

/// A chip's registers, by their addresses.
pub trait Registers {
    /// Reads a register.
    fn read(&self, access: Access) -> u64;

    /// Writes a register.
    fn write(&self, access: Access, value: u64);
}

thread_local! {
    static CHIP: RefCell<Option<Rc<dyn Registers>>> = const { RefCell::new(None) };
}

/// Runs `body`, with `chip` for the registers on this thread. One that was there before is there again afterwards, and
/// when `body` panics.
pub fn during<T>(chip: Rc<dyn Registers>, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<Rc<dyn Registers>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CHIP.set(self.0.take());
        }
    }
    let _restore = Restore(CHIP.replace(Some(chip)));
    body()
}

/// The chip that runs on this thread.
#[inline]
pub fn chip() -> Option<Rc<dyn Registers>> {
    // A thread that is at its end runs no chip.
    CHIP.try_with(|chip| chip.borrow().clone()).ok().flatten()
}
