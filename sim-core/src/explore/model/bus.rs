//! The bus that firmware runs on.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};

use super::cell::Place;
use super::device::{Job, Shared, lock};
use super::{DEADLOCK, RUNS_WITHOUT_HOPE, fence};
use crate::device::stm32f103::{self, place_of};
use crate::device::usbd;
use crate::explore::interrupt::{Interrupts, SLEEPING_HANDLER};
use crate::explore::{Board, WHILE_LEAVING};
use crate::machine::Moment;
use crate::memory::cache::Operation;
use crate::monitor::Site;
use crate::monitor::clocks::Access;

/// The bus that firmware runs on.
///
/// See [`model`](fn@crate::model), whose closure is given one, for an example.
#[derive(Clone)]
pub struct Bus(Arc<Shared>, Rc<Interrupts>);

impl Bus {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self(shared.clone(), Rc::default())
    }

    /// What a read of a register begins with: maybe a look, and the handler.
    #[track_caller]
    fn before_read(&self, register: u32) {
        if self.0.wants_news(register) {
            self.0.look();
        }
        self.serve_interrupts();
    }

    /// Runs the handler for as long as the line is asserted: as soon as a look has shown it. How late it is, loom
    /// decides by what the look shows.
    #[track_caller]
    fn serve_interrupts(&self) {
        let mut runs = 0;
        while self.1.can_run() && lock(&self.0.soc).interrupt() {
            if runs == RUNS_WITHOUT_HOPE {
                let (storm, site) = self.1.storm(&lock(&self.0.soc), &format!("{runs} times in a row"));
                let what = storm.what.clone();
                lock(&self.0.soc).report(Some(storm), site);
                self.0.stop_at_violation();
                panic!("{DEADLOCK}: {what}");
            }
            runs = if self.0.has_all_news() { runs + 1 } else { 0 };
            self.1.run();
            loom::thread::yield_now();
            self.0.look();
        }
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("model::Bus")
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
        if std::thread::panicking() {
            return WHILE_LEAVING;
        }
        let line = Location::caller();
        self.before_read(usbd::address_of(offset));
        let value = lock(&self.0.soc).cpu_read(offset, line);
        self.0.stop_at_violation();
        value
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        if std::thread::panicking() {
            return;
        }
        self.serve_interrupts();
        let (started, is_behind) = {
            let mut soc = lock(&self.0.soc);
            let is_pending = soc.is_release_pending();
            soc.cpu_write(offset, value, Location::caller());
            (soc.take_copy(), is_pending && !soc.is_release_pending())
        };
        self.0.stop_at_violation();
        self.0.start(started.map(Job::Copy));
        if is_behind {
            fence::release();
        }
    }
}

/// With the registers of DMA and USART the device has to do; with the others (nothing powers up) nobody else has.
impl OutsideRegisters for Bus {
    unsafe fn peek(&self, address: u32) -> u32 {
        if std::thread::panicking() {
            return WHILE_LEAVING;
        }
        let line = Location::caller();
        if lock(&self.0.soc).stm32f103().is_some() {
            if matches!(place_of(address), Some(stm32f103::Place::Dma(..))) {
                self.0.drain();
            }
            self.before_read(address);
        }
        let value = lock(&self.0.soc).cpu_peek(address, line);
        self.0.stop_at_violation();
        value
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        if lock(&self.0.soc).stm32f103().is_none() {
            lock(&self.0.soc).cpu_poke(address, value, line);
            return self.0.stop_at_violation();
        }
        self.serve_interrupts();
        let stopping = lock(&self.0.soc).stopped_by(address, value);
        if let Some((controller, channel)) = stopping {
            self.0.stop(controller, channel);
        }
        let (started, is_behind) = {
            let mut soc = lock(&self.0.soc);
            let (before, is_pending) = (soc.running_channels(), soc.is_release_pending());
            soc.cpu_poke(address, value, line);
            (soc.turns_since(&before), is_pending && !soc.is_release_pending())
        };
        self.0.stop_at_violation();
        // This write hands over what was filled.
        let filled = std::mem::take(&mut *lock(&self.0.filled));
        self.0.start(started.into_iter().chain(filled).map(Job::Items));
        if is_behind {
            fence::release();
        }
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: loom runs its threads one at a time on one thread of the
//   system. What the fence is worth on the machine under test is judged by loom, on the shadow cell.
// - The address is the region's: the window that `Soc::release` opens.
// - `snapshot` loads between two register accesses, and `fill` stores: on one thread, in program order.
unsafe impl DmaFence for Bus {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let line = Location::caller();
        self.0.cpu_access(region, Access::Write, Site::Cpu(line));
        self.0.fence(Moment::Release, line);
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { lock(&self.0.soc).release(region, line) };
        self.0.stop_at_violation();
        address
    }

    unsafe fn acquire(&self, region: Region) {
        let line = Location::caller();
        if std::thread::panicking() {
            return lock(&self.0.soc).acquire(region, line);
        }
        lock(&self.0.soc).is_in_use(region, line);
        self.0.stop_at_violation();
        self.0.revoke(region);
        self.0.fence(Moment::Acquire, line);
        self.0.cpu_access(region, Access::Write, Site::Cpu(line));
        lock(&self.0.soc).acquire(region, line);
        self.0.stop_at_violation();
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        let line = Location::caller();
        self.0.fence(Moment::Snapshot, line);
        let mut seen = vec![0; region.length];
        if !std::thread::panicking() {
            self.0.cpu_access(region, Access::Read, Site::Cpu(line));
            if let Some(view) = lock(&self.0.soc).snapshot(region, line) {
                view.read(0, &mut seen);
            }
            self.0.stop_at_violation();
        }
        // SAFETY:
        // - `into` is valid for so many bytes (the caller's debt), and `seen` is a `Vec` of this call.
        unsafe { into.copy_from_nonoverlapping(seen.as_ptr(), seen.len()) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.0.fence(Moment::BeforeFill, line);
        self.0.cpu_access(region, Access::Write, Site::Cpu(line));
        let is_lent = lock(&self.0.soc).begin_fill(region, line);
        self.0.stop_at_violation();
        if is_lent {
            // SAFETY:
            // - The region's pointer is valid for writes, `from` for reads, and they are apart (the caller's debt).
            //   loom runs its threads one at a time on one thread of the system, and the DMA does not run now.
            unsafe { region.pointer.copy_from_nonoverlapping(from, region.length) };
        }
        self.0.fence(Moment::AfterFill, line);
        self.0.fill(region, line);
    }
}

impl Board for Bus {
    fn host_is_done(&self) -> bool {
        self.0.has_all_news()
    }

    fn with_interrupt<T>(&self, handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
        self.1.with_handler(handler, Location::caller(), body)
    }

    fn critical_section<T>(&self, body: impl FnOnce() -> T) -> T {
        let result = self.1.masked(body);
        if !std::thread::panicking() {
            self.serve_interrupts();
        }
        result
    }

    fn wait_for_interrupt(&self) {
        if std::thread::panicking() {
            return;
        }
        assert!(!self.1.is_running(), "{SLEEPING_HANDLER}");
        self.0.look();
        while !lock(&self.0.soc).interrupt() && !self.0.has_all_news() {
            loom::thread::yield_now();
            self.0.look();
        }
        self.serve_interrupts();
    }
    fn load(&self, address: BusAddress) -> u8 {
        if std::thread::panicking() {
            return 0;
        }
        let line = Location::caller();
        self.0.access(Place::Simulated, Access::Read, Site::Cpu(line));
        let value = lock(&self.0.soc).load(address, line);
        self.0.stop_at_violation();
        value
    }

    fn store(&self, address: BusAddress, value: u8) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.0.access(Place::Simulated, Access::Write, Site::Cpu(line));
        lock(&self.0.soc).store(address, value, line);
        self.0.stop_at_violation();
    }

    /// Does nothing: no program that has a cache is judged here.
    fn maintain(&self, _address: BusAddress, _length: u32, _operation: Operation) {}

    fn release_fence(&self) {
        self.0.fence(Moment::Release, Location::caller());
    }

    fn acquire_fence(&self) {
        self.0.fence(Moment::Acquire, Location::caller());
    }
}
