//! What a CPU that knows the chip's addresses needs of its bus besides.

use std::panic::Location;

use super::bus::Bus;
#[cfg(feature = "critical-section")]
use super::interrupt::{MASK, UNMASK};
use crate::device::usbd;
use crate::monitor::{Misuse, Site};
use crate::soc::Soc;

type Line = &'static Location<'static>;

impl Bus {
    /// Reads the register at `address`, of any peripheral.
    pub(crate) fn read_at(&self, address: u32, line: Line) -> u32 {
        match usbd::offset_of(address) {
            Some(offset) => self.read_usbd(offset, line),
            None => self.read_outside(address, line),
        }
    }

    /// Writes the register at `address`, of any peripheral. What it starts reaches what the chip's memory lets it
    /// reach.
    pub(crate) fn write_at(&self, address: u32, value: u32, line: Line) {
        match usbd::offset_of(address) {
            Some(offset) => self.write_usbd(offset, value, line),
            None => self.write_outside(address, value, line),
        }
    }

    /// The firmware makes an access with its stack ending here.
    #[inline]
    pub(crate) fn at_stack(&self, stack_pointer: u32, line: Line) {
        self.judge(|soc| soc.at_stack(stack_pointer, line));
        self.stop_at_violation();
    }

    /// A rule was broken, at `line`.
    pub(crate) fn report(&self, misuse: Misuse, line: Line) {
        self.judge(|soc| soc.report(Some(misuse), Site::Cpu(line)));
        self.stop_at_violation();
    }

    /// Looks for what is wrong. What is found while a panic unwinds the firmware is not the verdict: the panic is.
    #[inline]
    pub(crate) fn judge(&self, f: impl FnOnce(&mut Soc)) {
        self.with_soc(|soc| if std::thread::panicking() { soc.while_unwinding(f).unwrap_or_default() } else { f(soc) });
    }

    /// Leaves the run if a violation has ended it.
    pub(crate) fn stop_at_violation(&self) {
        self.system().stop_at_violation();
    }

    /// Does something to the chip, or asks it, without a choice point.
    pub(crate) fn with_soc<T>(&self, f: impl FnOnce(&mut Soc) -> T) -> T {
        f(&mut self.system().soc.borrow_mut())
    }

    /// A critical section begins. If the run is over it does not.
    #[cfg(feature = "critical-section")]
    pub(crate) fn mask(&self, stack_pointer: u32, line: Line) {
        if !std::thread::panicking() {
            self.at_stack(stack_pointer, line);
            self.system().pass(MASK, line);
        }
        self.system().interrupts.mask();
    }

    /// It ends. What is due comes in, unless the firmware is being left.
    #[cfg(feature = "critical-section")]
    pub(crate) fn unmask(&self, stack_pointer: u32, line: Line) {
        self.system().interrupts.unmask();
        if !std::thread::panicking() {
            self.at_stack(stack_pointer, line);
            self.system().pass(UNMASK, line);
        }
    }
}
