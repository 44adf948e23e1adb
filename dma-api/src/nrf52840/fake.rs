//! Registers that hold what a test puts there, and a log of the writes to them.
//!
//! A block of POWER and CLOCK, or of USBD. What of the hardware is here: INTENSET and INTENCLR change INTEN, EPSTALL
//! changes HALTED, a 1 clears its bit of EVENTCAUSE and EPDATASTATUS, a START has its END at once, the key of the
//! workarounds opens and closes. EasyDMA moves no bytes, and there is no wire: a test says what has come.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::power::PowerClock;
use super::usbd::{UsbdBlock, map};
use crate::address::{BusAddress, Region};
use crate::fence::DmaFence;
use crate::registers::{OutsideRegisters, Registers, RegistersOf};

/// The registers of a peripheral, and those outside that are poked for it: by their offset, or their address.
#[derive(Debug, Default)]
pub struct Block {
    words: RefCell<BTreeMap<u32, u32>>,
    writes: RefCell<Vec<(u32, u32)>>,
    is_usbd: bool,
}

impl Block {
    /// POWER and CLOCK: zeros.
    pub fn power() -> Self {
        Self::default()
    }

    /// USBD, out of reset.
    pub fn usbd() -> Self {
        let block = Self { is_usbd: true, ..Self::default() };
        for row in map::REGISTERS {
            (0..row.count).for_each(|n| block.set(row.offset + n * row.stride, row.reset));
        }
        block
    }

    pub fn get(&self, register: impl Into<u32>) -> u32 {
        self.words.borrow().get(&register.into()).copied().unwrap_or(0)
    }

    /// By hardware: it is not in the log.
    pub fn set(&self, register: impl Into<u32>, value: u32) {
        self.words.borrow_mut().insert(register.into(), value);
    }

    /// Sets bits, as hardware does.
    pub fn raise(&self, offset: u16, bits: u32) {
        self.set(offset, self.get(offset) | bits);
    }

    /// The writes since the last call, oldest first: offset or address, and value.
    pub fn writes(&self) -> Vec<(u32, u32)> {
        self.writes.take()
    }

    /// Those to the peripheral's own registers.
    pub fn own_writes(&self) -> Vec<(u16, u32)> {
        self.writes().into_iter().filter_map(|(offset, value)| Some((offset.try_into().ok()?, value))).collect()
    }

    /// What USBD does at a write.
    fn write_usbd(&self, offset: u16, value: u32) {
        match offset {
            _ if offset == map::intenset() => self.raise(map::inten(), value),
            _ if offset == map::intenclr() => self.set(map::inten(), self.get(map::inten()) & !value),
            _ if offset == map::eventcause() || offset == map::epdatastatus() => {
                self.set(offset, self.get(offset) & !value);
            }
            _ if offset == map::epstall() => {
                let halted = if map::epstall::IO.is_set(value) { map::halted_epin } else { map::halted_epout };
                let number = (0..8).find(|n| map::epstall::EP.get(value) == u32::from(*n));
                self.set(halted(number.expect("it has three bits")), map::epstall::STALL.get(value));
            }
            _ => self.set(offset, value),
        }
        if let Some(end) = end_of(offset) {
            self.set(end, 1);
        }
    }
}

/// The event that follows the task at `offset`, if that is a START.
fn end_of(offset: u16) -> Option<u16> {
    let isochronous =
        [(map::tasks_startisoin(), map::events_endisoin()), (map::tasks_startisoout(), map::events_endisoout())];
    let epin = (0..8).map(|n| (map::tasks_startepin(n), map::events_endepin(n)));
    let epout = (0..8).map(|n| (map::tasks_startepout(n), map::events_endepout(n)));
    let mut all = epin.chain(epout).chain(isochronous);
    all.find_map(|(start, end)| (start == offset).then_some(end))
}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<UsbdBlock> for &Block {}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<PowerClock> for &Block {}

// SAFETY:
// - They are cells, and nobody lets go of memory by them: no DMA is there.
unsafe impl Registers for &Block {
    fn read(&self, offset: u16) -> u32 {
        self.get(offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        self.writes.borrow_mut().push((offset.into(), value));
        if self.is_usbd { self.write_usbd(offset, value) } else { self.set(offset, value) }
    }
}

impl OutsideRegisters for &Block {
    unsafe fn peek(&self, address: u32) -> u32 {
        self.get(address)
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        self.writes.borrow_mut().push((address, value));
        let is_toggle = (address, value) == (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
        self.set(address, if is_toggle { (self.get(address) == 0).into() } else { value });
    }
}

// SAFETY:
// - There is no DMA.
unsafe impl DmaFence for &Block {
    unsafe fn release(&self, _: Region) -> BusAddress {
        BusAddress::new(0x2000_0000)
    }

    unsafe fn acquire(&self, _: Region) {}

    unsafe fn snapshot(&self, _: Region, _: *mut u8) {
        unreachable!("USBD fills no buffer for ever");
    }

    unsafe fn fill(&self, _: Region, _: *const u8) {
        unreachable!("USBD sends no buffer for ever");
    }
}
