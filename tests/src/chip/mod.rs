//! Registers in a map, and a DMA that moves an item when it is told to.
//!
//! No chip, no wire and no rules: the least that the drivers of `dma-api` run to their end on. The suites that use it
//! ask nothing of the hardware. They ask what the compiler refuses (`tests/ui`), and what becomes of memory when the
//! driver is compiled, and an aliasing checker looks on (`tests/alias`).
//!
//! | whose turn the DMA's is | who decides |
//! |---|---|
//! | at each register read | [`Chip::stepped`]: programs with one thread |
//! | whenever [`Chip::step`] is called | [`Chip::new`]: a thread is the DMA |
//!
//! All of it is under one lock, so that whatever happens before a register access of one side happens before the next
//! of the other: **this orders more than any fence**. A fence that is missing is not seen here; that is the explorers'
//! business. The DMA's accesses are plain ones, by the pointer that `release` was given, so that an access of the CPU's
//! which nothing orders is a data race.
//!
//! *Modelled*: DMA1 of an STM32F103 for USART1, one lap and circular; EasyDMA of an nRF52840's USBD. The other side
//! takes and gives items at any time: a USART receives 1, 2, 3..., a host has always fetched the last packet, and has
//! one of 8 bytes for each OUT endpoint. *Not modelled*: everything else, errors among it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use dma_api::address::{BusAddress, Region};
use dma_api::fence::{DmaFence, InOrder};
use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::nrf52840::usbd::map as usbd;
use dma_api::registers::{OutsideRegisters, Peripheral, Registers, RegistersOf, Share};
use dma_api::stm32f103::dma::map as dma;
use dma_api::stm32f103::dma::{Dma1, Dma2};
use dma_api::stm32f103::usart::map as usart;
use dma_api::stm32f103::usart::{Usart1, Usart2, Usart3};

mod channels;
mod easy_dma;
pub mod parts;

/// Registers, and the memory that the DMA was lent.
#[derive(Debug)]
pub struct Chip {
    state: Mutex<State>,
    steps_at_reads: bool,
}

/// What is behind the lock.
#[derive(Debug)]
struct State {
    /// By their address on the bus. What was not written is 0.
    words: BTreeMap<usize, u32>,
    memory: Memory,
    /// Channels of DMA1 with EN=1: how many items a lap has.
    laps: [Option<u32>; 7],
    /// The transfer of EasyDMA that runs.
    running: Option<easy_dma::Running>,
    /// How many items the DMA may still move.
    granted: usize,
}

/// The memory that was lent, and what has come out of it.
#[derive(Debug)]
struct Memory {
    lent: Vec<Lent>,
    /// The address of what is lent next.
    next: u32,
    /// What the DMA has read.
    read: Vec<u8>,
    /// How many bytes it has written: 1, 2, 3...
    written: u8,
}

/// Memory that was lent: the address that the DMA knows it by, and the pointer that the driver has given.
#[derive(Debug)]
struct Lent {
    address: u32,
    length: usize,
    pointer: AtomicPtr<u8>,
}

impl Memory {
    /// Moves the byte at `address`: to the device, or from it.
    fn move_byte(&mut self, address: u32, to_device: bool) {
        let found = self.lent.iter().find_map(|lent| {
            let offset = usize::try_from(address.checked_sub(lent.address)?).ok()?;
            // ORDERING: none needed: it is under the lock.
            (offset < lent.length).then(|| lent.pointer.load(Ordering::Relaxed).wrapping_add(offset))
        });
        let pointer = found.expect("the DMA moves what it was lent");
        if to_device {
            // SAFETY:
            // - It is a byte of a region that was released and not acquired, for the DMA to read.
            self.read.push(unsafe { pointer.read() });
            return;
        }
        self.written = self.written.wrapping_add(1);
        // SAFETY:
        // - It is a byte of a region that was released and not acquired, for the DMA to write.
        unsafe { pointer.write(self.written) };
    }
}

impl Chip {
    /// A chip whose DMA goes on when [`step`](Self::step) is called.
    pub fn new() -> Self {
        let memory = Memory { lent: Vec::new(), next: 0x2000_0000, read: Vec::new(), written: 0 };
        let state = State { words: BTreeMap::new(), memory, laps: [None; 7], running: None, granted: usize::MAX };
        Self { state: Mutex::new(state), steps_at_reads: false }
    }

    /// A chip whose DMA goes on at each register read. It lives for ever.
    pub fn stepped() -> &'static Self {
        Box::leak(Box::new(Self { steps_at_reads: true, ..Self::new() }))
    }

    /// The registers of `P`, and its fence.
    pub fn part<P>(&'static self) -> Part<P> {
        Part(self, PhantomData)
    }

    /// Moves an item, if one is asked for. Returns whether one was.
    pub fn step(&self) -> bool {
        self.lock().step()
    }

    /// Lets the DMA move so many items from now on.
    pub fn grant(&self, items: usize) {
        self.lock().granted = items;
    }

    /// Whether all that was granted was moved.
    pub fn is_spent(&self) -> bool {
        self.lock().granted == 0
    }

    /// What the DMA has read from memory so far.
    pub fn sent(&self) -> Vec<u8> {
        self.lock().memory.read.clone()
    }

    /// The lock, by asking: no thread sleeps in the standard library, where no sanitizer sees it wake.
    fn lock(&self) -> MutexGuard<'_, State> {
        loop {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
    }
}

impl Default for Chip {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn get(&self, address: usize) -> u32 {
        self.words.get(&address).copied().unwrap_or(0)
    }

    fn set(&mut self, address: usize, value: u32) {
        self.words.insert(address, value);
    }

    fn step(&mut self) -> bool {
        if self.granted == 0 || !(self.step_channels() || self.step_easy_dma()) {
            return false;
        }
        self.granted -= 1;
        true
    }

    fn read(&self, base: usize, offset: u16) -> u32 {
        match base {
            usart::USART1 if offset == usart::sr() => usart::sr::TXE.mask() | usart::sr::TC.mask(),
            usbd::BASE if offset == usbd::epdatastatus() => u32::MAX,
            usbd::BASE if (0..8).any(|n| offset == usbd::size_epout(n)) => 8,
            _ => self.get(base + usize::from(offset)),
        }
    }

    fn write(&mut self, base: usize, offset: u16, value: u32) {
        match base {
            dma::DMA1 => self.write_dma(offset, value),
            usbd::BASE => self.write_usbd(offset, value),
            _ => self.set(base + usize::from(offset), value),
        }
    }
}

/// The registers of a peripheral of [`Chip`], and its fence.
#[derive(Debug)]
pub struct Part<P>(&'static Chip, PhantomData<fn() -> P>);

// SAFETY:
// - They are words in a map: `read` returns what is there, `write` writes it.
// - Each access takes the lock.
unsafe impl<P: Peripheral> Registers for Part<P> {
    fn read(&self, offset: u16) -> u32 {
        if self.0.steps_at_reads {
            self.0.step();
        }
        self.0.lock().read(P::BASE, offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        self.0.lock().write(P::BASE, offset, value);
    }
}

impl<P> OutsideRegisters for Part<P> {
    unsafe fn peek(&self, _: u32) -> u32 {
        0
    }

    unsafe fn poke(&self, _: u32, _: u32) {}
}

/// The parts that there are.
macro_rules! parts {
    ($($peripheral:ident)*) => {$(
        // SAFETY:
        // - They are found by the peripheral's base.
        // - A program that makes two values of one part and uses both is for itself to judge; none here does.
        unsafe impl RegistersOf<$peripheral> for Part<$peripheral> {}
    )*};
}

parts! { Dma1 Dma2 Usart1 Usart2 Usart3 UsbdBlock }

// SAFETY:
// - It is the same chip.
// - Each access takes the lock.
unsafe impl<P> Share for Part<P> {
    unsafe fn share(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

// SAFETY:
// - `release`, `acquire`: the lock orders what comes before one with what comes after the next, register accesses too.
// - The address is the one that `Memory` finds the region by.
// - `snapshot`, `fill`: a lock is taken by the register access on each side.
unsafe impl<P> DmaFence for Part<P> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let memory = &mut self.0.lock().memory;
        let address = memory.next;
        let room = u32::try_from(region.length.next_multiple_of(4)).expect("a chip's RAM is small");
        memory.next += room;
        memory.lent.push(Lent { address, length: region.length, pointer: AtomicPtr::new(region.pointer) });
        BusAddress::new(address)
    }

    unsafe fn acquire(&self, region: Region) {
        // ORDERING: none needed: it is under the lock.
        self.0.lock().memory.lent.retain(|lent| lent.pointer.load(Ordering::Relaxed) != region.pointer);
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { InOrder.snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { InOrder.fill(region, from) }
    }
}
