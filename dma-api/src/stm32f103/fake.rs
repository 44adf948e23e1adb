//! Registers that hold what a test puts there, and a log of what is done.
//!
//! No DMA moves anything here: a test says what the flags are, and when. But for [`Filler`], which fills memory for
//! ever.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

use super::dma::{Dma1, map};
use super::usart::Usart1;
use super::usart::map as usart;
use crate::address::{BusAddress, Direction, Region};
use crate::fence::DmaFence;
use crate::registers::{Peripheral, Registers, RegistersOf, Share};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A register of the DMA was written.
    Write(u16, u32),
    /// A register of the DMA was read.
    Read(u16),
    /// A register of the USART was written.
    UsartWrite(u16, u32),
    /// A register of the USART was read.
    UsartRead(u16),
    /// The fence before.
    Release(usize, Direction),
    /// The fence after.
    Acquire(usize),
    /// Memory was copied.
    Snapshot(usize),
    /// Memory was filled.
    Fill(usize),
}

/// A DMA controller and a USART.
#[derive(Debug)]
pub struct Chip {
    words: RefCell<BTreeMap<usize, u32>>,
    log: RefCell<Vec<Step>>,
    /// Where the next region lies, for the DMA.
    pub address: Cell<u32>,
    /// Flags that rise before each read of ISR, one after the other.
    pub rises: RefCell<VecDeque<u32>>,
    /// SR, as software has read it last.
    seen: Cell<u32>,
    /// A channel that goes round its buffer.
    pub walker: RefCell<Option<Walker>>,
}

/// A circular channel of 16-bit words, which moves on whenever somebody looks.
#[derive(Debug)]
pub struct Walker {
    pub pointer: *mut u16,
    pub words: u32,
    /// The channel's index.
    pub channel: u16,
    /// What it has read, if it sends. If it receives, it writes 0, 1, 2...
    pub sent: Option<Vec<u16>>,
    /// How many words it has moved.
    pub moved: u32,
    /// How many words it moves next, at each access: round and round.
    pub steps: Vec<u32>,
    /// How many accesses there were.
    pub accesses: usize,
}

impl Walker {
    /// Moves a word. Returns the flags that it raises.
    fn step(&mut self) -> u32 {
        let word = self.pointer.wrapping_add((self.moved % self.words) as usize);
        let value = u16::try_from(self.moved % 0x1_0000).expect("it is smaller");
        match &mut self.sent {
            // SAFETY:
            // - It is a word of the buffer, which the test has leaked and nobody writes but a fill.
            Some(sent) => sent.push(unsafe { word.read() }),
            // SAFETY:
            // - It is a word of the buffer, which the test has leaked and nobody reads but a snapshot.
            None => unsafe { word.write(value) },
        }
        self.moved += 1;
        match self.moved.is_multiple_of(self.words / 2) {
            false => 0,
            true if self.moved.is_multiple_of(self.words) => map::TCIF,
            true => map::HTIF,
        }
    }
}

/// The flags that a read of SR and then one of DR clears.
const ERRORS: u32 =
    usart::sr::PE.mask() | usart::sr::FE.mask() | usart::sr::NE.mask() | usart::sr::ORE.mask() | usart::sr::IDLE.mask();

/// What writing 0 clears.
const CLEARED_BY_ZERO: u32 = usart::sr::RXNE.mask() | usart::sr::TC.mask();

impl Chip {
    pub fn new() -> Self {
        let chip = Self {
            words: RefCell::default(),
            log: RefCell::default(),
            address: Cell::new(0x2000_0000),
            rises: RefCell::default(),
            seen: Cell::new(0),
            walker: RefCell::default(),
        };
        chip.set_usart(usart::sr(), 0xC0);
        chip
    }

    /// The registers of `P`, and its fence.
    pub fn part<P>(&self) -> Part<'_, P> {
        Part(self, PhantomData)
    }

    fn word(&self, address: usize) -> u32 {
        self.words.borrow().get(&address).copied().unwrap_or(0)
    }

    fn put(&self, address: usize, value: u32) {
        self.words.borrow_mut().insert(address, value);
    }

    /// Sets a register of DMA1.
    pub fn set(&self, offset: u16, value: u32) {
        self.put(map::DMA1 + usize::from(offset), value);
    }

    /// A register of DMA1.
    pub fn get(&self, offset: u16) -> u32 {
        self.word(map::DMA1 + usize::from(offset))
    }

    /// Sets a register of USART1.
    pub fn set_usart(&self, offset: u16, value: u32) {
        self.put(usart::USART1 + usize::from(offset), value);
    }

    /// A register of USART1.
    pub fn get_usart(&self, offset: u16) -> u32 {
        self.word(usart::USART1 + usize::from(offset))
    }

    /// What was done since the last call.
    pub fn steps(&self) -> Vec<Step> {
        self.log.take()
    }

    fn note(&self, step: Step) {
        self.log.borrow_mut().push(step);
    }

    /// The DMA does what it does before the next access.
    fn goes_on(&self) {
        let mut walker = self.walker.borrow_mut();
        let Some(walker) = walker.as_mut() else {
            return;
        };
        let words = walker.steps[walker.accesses % walker.steps.len()];
        walker.accesses += 1;
        let flags = (0..words).fold(0, |flags, _| flags | walker.step());
        self.set(map::isr(), self.get(map::isr()) | flags << map::flags_of(walker.channel));
        self.set(map::cndtr(walker.channel), walker.words - walker.moved % walker.words);
    }

    fn read(&self, base: usize, offset: u16) -> u32 {
        self.goes_on();
        if base == usart::USART1 {
            self.note(Step::UsartRead(offset));
            return self.read_usart(offset);
        }
        self.note(Step::Read(offset));
        if offset == map::isr() {
            let rise = self.rises.borrow_mut().pop_front().unwrap_or(0);
            self.set(offset, self.get(offset) | rise);
        }
        self.get(offset)
    }

    fn read_usart(&self, offset: u16) -> u32 {
        let status = self.get_usart(usart::sr());
        if offset == usart::sr() {
            self.seen.set(status);
        } else if offset == usart::dr() {
            let cleared = usart::sr::RXNE.mask() | self.seen.take() & ERRORS;
            self.set_usart(usart::sr(), status & !cleared);
        }
        self.get_usart(offset)
    }

    fn write(&self, base: usize, offset: u16, value: u32) {
        self.goes_on();
        if base == usart::USART1 {
            self.note(Step::UsartWrite(offset, value));
            let old = self.get_usart(offset);
            let is_status = offset == usart::sr();
            return self.set_usart(offset, if is_status { old & (value | !CLEARED_BY_ZERO) } else { value });
        }
        self.note(Step::Write(offset, value));
        if offset != map::ifcr() {
            return self.set(offset, value);
        }
        let all = (0..7).filter(|n| value >> (4 * n) & map::GIF != 0).fold(0, |all, n| all | 0xF << (4 * n));
        self.set(map::isr(), self.get(map::isr()) & !(value | all));
    }
}

/// The registers of a peripheral of [`Chip`].
#[derive(Debug)]
pub struct Part<'a, P>(&'a Chip, PhantomData<P>);

// SAFETY:
// - They are cells, and nobody lets go of memory by them: no DMA is there.
unsafe impl<P: Peripheral> Registers for Part<'_, P> {
    fn read(&self, offset: u16) -> u32 {
        self.0.read(P::BASE, offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        self.0.write(P::BASE, offset, value);
    }
}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<Dma1> for Part<'_, Dma1> {}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<Usart1> for Part<'_, Usart1> {}

// SAFETY:
// - It is the same chip; there is no DMA.
// - They are cells.
unsafe impl<P> Share for Part<'_, P> {
    unsafe fn share(&self) -> Self {
        Part(self.0, PhantomData)
    }
}

// SAFETY:
// - There is no DMA.
unsafe impl<P> DmaFence for Part<'_, P> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        self.0.note(Step::Release(region.length, region.direction));
        BusAddress::new(self.0.address.get())
    }

    unsafe fn acquire(&self, region: Region) {
        self.0.note(Step::Acquire(region.length));
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        self.0.note(Step::Snapshot(region.length));
        for index in 0..region.length {
            if index.is_multiple_of(2) {
                self.0.goes_on();
            }
            // SAFETY:
            // - It is a byte of the region, valid for reads (the caller's debt).
            let byte = unsafe { region.pointer.wrapping_add(index).read() };
            // SAFETY:
            // - `into` is valid for so many bytes, and apart (the caller's debt).
            unsafe { into.wrapping_add(index).write(byte) };
        }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        self.0.note(Step::Fill(region.length));
        for index in 0..region.length {
            if index.is_multiple_of(2) {
                self.0.goes_on();
            }
            // SAFETY:
            // - `from` is valid for so many bytes (the caller's debt).
            let byte = unsafe { from.wrapping_add(index).read() };
            // SAFETY:
            // - It is a byte of the region, valid for writes (the caller's debt).
            unsafe { region.pointer.wrapping_add(index).write(byte) };
        }
    }
}
