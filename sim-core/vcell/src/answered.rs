//! Accesses that are not of memory: they go to the chip that runs on this thread.

use std::panic::Location;
use std::rc::Rc;

use crate::hook::{self, Access, Registers};

/// The address of a cell, if it is a register.
#[inline(always)]
pub fn register<T>(cell: *mut T) -> Option<u32> {
    let address = cell.addr();
    (size_of::<T>() > 0 && hook::is_register(address)).then(|| u32::try_from(address).ok()).flatten()
}

#[track_caller]
pub fn read(address: u32, bytes: usize) -> u64 {
    chip(address, "read").read(Access { address, bytes, line: Location::caller() })
}

#[track_caller]
pub fn write(address: u32, bytes: usize, value: u64) {
    chip(address, "written").write(Access { address, bytes, line: Location::caller() }, value);
}

#[track_caller]
fn chip(address: u32, how: &str) -> Rc<dyn Registers> {
    hook::chip().unwrap_or_else(|| nobody_answers(address, how))
}

#[cold]
#[track_caller]
fn nobody_answers(address: u32, how: &str) -> ! {
    panic!("the register at {address:#010x} is {how}, and no simulated chip runs on this thread")
}
