//! The bus that firmware runs on, and the wire that the host speaks on.

use std::panic::Location;
use std::rc::{Rc, Weak};
use std::task::{self, Context};

use dma_api::address::{BusAddress, Direction, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};

use super::interrupt::{MASK, UNMASK};
use super::poll::{HOST_IS_DONE, Poll};
use super::system::{Position, System};
use crate::device::usbd;
use crate::explore::{Board, WHILE_LEAVING};
use crate::hash::hash;
use crate::host::serial::Serial;
use crate::host::{Host, HostError, Reply, Step, Wire};
use crate::memory::cache::Operation;

/// How many of so many bytes are copied at once: a copy of a word at most is torn between any two bytes, a longer one
/// between any two words.
fn at_once(length: usize) -> usize {
    const WORD: usize = 4;
    if length <= WORD { 1 } else { WORD }
}

/// The bus that firmware runs on.
///
/// See [`explore`](fn@crate::explore), whose closure is given one, for an example.
#[derive(Clone)]
pub struct Bus(Rc<System>);

impl Bus {
    pub(super) fn new(system: &Rc<System>) -> Self {
        Self(system.clone())
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(super) fn system(&self) -> &System {
        &self.0
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stepped::Bus")
    }
}

// SAFETY:
// - The emulated chip is an nRF52840, and these are its USBD's. Two that are used at once are two drivers of one chip:
//   what they start together is reported, and reaches no memory but what was lent.
unsafe impl RegistersOf<UsbdBlock> for Bus {}

// SAFETY:
// - `read` and `write` are those of the emulated chip, whose registers these are.
// - Each takes effect at once, in program order.
unsafe impl Registers for Bus {
    fn read(&self, offset: u16) -> u32 {
        self.read_usbd(offset, Location::caller())
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        self.write_usbd(offset, value, Location::caller());
    }
}

/// An access to a register that can change without the CPU is a choice. With the others (an erratum's) nobody else has
/// to do: an access to them is none.
impl OutsideRegisters for Bus {
    unsafe fn peek(&self, address: u32) -> u32 {
        self.read_outside(address, Location::caller())
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        self.write_outside(address, value, Location::caller());
    }
}

impl Bus {
    pub(super) fn read_usbd(&self, offset: u16, line: &'static Location<'static>) -> u32 {
        if std::thread::panicking() {
            return self.0.while_unwinding(|soc| soc.cpu_read(offset, line)).unwrap_or(WHILE_LEAVING);
        }
        let poll = Poll::new(usbd::address_of(offset), line);
        self.0.read(poll, |soc| soc.cpu_read(offset, line))
    }

    pub(super) fn write_usbd(&self, offset: u16, value: u32, line: &'static Location<'static>) {
        if std::thread::panicking() {
            self.0.while_unwinding(|soc| soc.cpu_write(offset, value, line));
            return;
        }
        self.0.write(usbd::address_of(offset), value, line, |soc| soc.cpu_write(offset, value, line));
    }

    pub(super) fn read_outside(&self, address: u32, line: &'static Location<'static>) -> u32 {
        if std::thread::panicking() {
            return self.0.while_unwinding(|soc| soc.cpu_peek(address, line)).unwrap_or(WHILE_LEAVING);
        }
        if self.0.soc.borrow().is_shared(address) {
            return self.0.read(Poll::new(address, line), |soc| soc.cpu_peek(address, line));
        }
        let value = self.0.soc.borrow_mut().cpu_peek(address, line);
        self.0.stop_at_violation();
        value
    }

    pub(super) fn write_outside(&self, address: u32, value: u32, line: &'static Location<'static>) {
        if std::thread::panicking() {
            self.0.while_unwinding(|soc| soc.cpu_poke(address, value, line));
            return;
        }
        if self.0.soc.borrow().is_shared(address) {
            return self.0.write(address, value, line, |soc| soc.cpu_poke(address, value, line));
        }
        self.0.soc.borrow_mut().cpu_poke(address, value, line);
        self.0.stop_at_violation();
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: driver and engine run on one thread, in program order. What
//   the fence is worth on the machine under test is judged by the monitor, not performed.
// - The address is the region's: the window that `Soc::release` opens.
// - `snapshot` loads between two register accesses, and `fill` stores: on one thread, in program order.
unsafe impl DmaFence for Bus {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let line = Location::caller();
        self.0.pass_fence(line);
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.0.soc.borrow_mut().release(region, line) };
        self.0.stop_at_violation();
        address
    }

    unsafe fn acquire(&self, region: Region) {
        let line = Location::caller();
        if std::thread::panicking() {
            self.0.while_unwinding(|soc| soc.acquire(region, line));
            return;
        }
        self.0.pass_fence(line);
        self.0.soc.borrow_mut().acquire(region, line);
        self.0.stop_at_violation();
        if region.direction == Direction::DeviceToMemory {
            self.0.has_received();
        }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        let line = Location::caller();
        let mut seen = Vec::with_capacity(region.length);
        if !std::thread::panicking() {
            self.0.choice_point(Position::Memory(line));
            let view = self.0.soc.borrow_mut().snapshot(region, line);
            self.0.stop_at_violation();
            // What the DMA writes in the middle tears the copy: it can, between two words.
            while let Some(view) = view.as_ref().filter(|_| seen.len() < region.length) {
                let start = seen.len();
                if start > 0 {
                    self.0.choice_point(Position::Memory(line));
                }
                seen.resize(region.length.min(start + at_once(region.length)), 0);
                self.0.soc.borrow_mut().copy_out(view, region, start, &mut seen[start..]);
                // Where it is in the copy is part of what it knows.
                self.0.history.borrow_mut().mark(hash(&seen));
            }
        }
        seen.resize(region.length, 0);
        // SAFETY:
        // - `into` is valid for so many bytes (the caller's debt), and `seen` is a `Vec` of this call.
        unsafe { into.copy_from_nonoverlapping(seen.as_ptr(), seen.len()) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        let line = Location::caller();
        if std::thread::panicking() {
            return;
        }
        self.0.choice_point(Position::Memory(line));
        let is_lent = self.0.soc.borrow_mut().begin_fill(region, line);
        self.0.stop_at_violation();
        // What the DMA reads in the middle is half old, half new: it can, between two words.
        for start in (0..region.length).step_by(at_once(region.length)).filter(|_| is_lent) {
            if start > 0 {
                self.0.choice_point(Position::Memory(line));
            }
            let length = at_once(region.length).min(region.length - start);
            let (word, value) = (region.pointer.wrapping_add(start), from.wrapping_add(start));
            // SAFETY:
            // - The region's pointer is valid for writes, `from` for reads, and they are apart (the caller's debt). The
            //   DMA runs on this thread, and not now.
            unsafe { word.copy_from_nonoverlapping(value, length) };
            self.0.history.borrow_mut().mark(hash((line, start)));
        }
        self.0.soc.borrow_mut().end_fill(region, line);
    }
}

impl Board for Bus {
    fn host_is_done(&self) -> bool {
        if std::thread::panicking() {
            return true;
        }
        let poll = Poll::new(HOST_IS_DONE, Location::caller());
        self.0.choice_point(Position::Read(poll));
        let done = self.0.host.borrow().outcome.is_some();
        self.0.has_read(poll, done.into());
        done
    }

    fn checkpoint(&self, local: &dyn std::fmt::Debug) {
        self.0.checkpoint(local);
    }

    fn with_interrupt<T>(&self, handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
        if std::thread::panicking() {
            return body();
        }
        self.0.interrupts.with_handler(handler, Location::caller(), body)
    }

    fn critical_section<T>(&self, body: impl FnOnce() -> T) -> T {
        if std::thread::panicking() {
            return body();
        }
        let line = Location::caller();
        self.0.pass(MASK, line);
        let result = self.0.interrupts.masked(body);
        self.0.pass(UNMASK, line);
        result
    }

    fn wait_for_interrupt(&self) {
        if !std::thread::panicking() {
            self.0.sleep(Location::caller());
        }
    }

    fn load(&self, address: BusAddress) -> u8 {
        if std::thread::panicking() {
            return 0;
        }
        let line = Location::caller();
        self.0.choice_point(Position::Memory(line));
        let value = self.0.soc.borrow_mut().load(address, line);
        self.0.stop_at_violation();
        self.0.has_touched(address, value, line);
        value
    }

    fn store(&self, address: BusAddress, value: u8) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.0.choice_point(Position::Memory(line));
        self.0.soc.borrow_mut().store(address, value, line);
        self.0.stop_at_violation();
        self.0.has_touched(address, value, line);
    }

    fn maintain(&self, address: BusAddress, length: u32, operation: Operation) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.0.choice_point(Position::Memory(line));
        self.0.soc.borrow_mut().maintain(address, length, operation);
        self.0.stop_at_violation();
        // How far it is in a loop over lines is part of what it knows.
        self.0.history.borrow_mut().mark(hash((address.get(), length, operation, line)));
    }

    fn release_fence(&self) {
        self.0.soc.borrow_mut().release_fence();
    }

    fn acquire_fence(&self) {
        self.0.soc.borrow_mut().acquire_fence();
    }
}

/// The host of this system.
pub(super) fn host(system: &Rc<System>) -> Host {
    Host::new(Rc::new(SteppedWire(Rc::downgrade(system))))
}

struct SteppedWire(Weak<System>);

impl Wire for SteppedWire {
    fn poll_step(&self, step: &Step, _context: &mut Context<'_>) -> task::Poll<Result<Reply, HostError>> {
        let Some(system) = self.0.upgrade() else {
            return task::Poll::Pending;
        };
        let Some(turn) = system.host_turn.take() else {
            system.host.borrow_mut().wants = Some(step.clone());
            return task::Poll::Pending;
        };
        let answer = system.take_step(step, &turn);
        if let Step::Serial { port, does: Serial::Receive } = step {
            system.host.borrow_mut().has_heard[port.index()] = true;
        }
        if !system.history.borrow().is_off {
            let mut host = system.host.borrow_mut();
            host.history = hash((host.history, step, turn, answer.as_ref().ok()));
        }
        task::Poll::Ready(answer)
    }
}
