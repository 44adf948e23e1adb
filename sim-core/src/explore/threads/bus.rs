//! The bus that firmware runs on.

use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crossbeam_utils::Backoff;
use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};

use super::{NOTHING_HAPPENS, Shared};
use crate::device::name_at;
use crate::device::usbd::name_of;
use crate::explore::interrupt::{Interrupts, SLEEPING_HANDLER};
use crate::explore::{Board, WHILE_LEAVING};
use crate::memory::cache::Operation;
use crate::soc::Soc;
use crate::trace::Record;

/// The bus that firmware runs on.
///
/// See [`threads::run`](super::run), whose firmware is given one, for an example.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
    /// Polls, and what was new when, at the last look.
    idle: Rc<Cell<(u32, u64, Instant)>>,
    interrupts: Rc<Interrupts>,
    /// Since when a panic of the program's own unwinds it.
    unwinding: Rc<Cell<Option<Instant>>>,
}

impl Bus {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let idle = Rc::new(Cell::new((0, 0, Instant::now())));
        Self { shared: shared.clone(), idle, interrupts: Rc::default(), unwinding: Rc::default() }
    }

    /// Runs the handler if it is due, and again for as long as the line is asserted when it returns.
    #[track_caller]
    fn serve_interrupts(&self) {
        if !self.interrupts.can_run() {
            return;
        }
        let (mut asserted, mut since) = (Vec::new(), Instant::now());
        let backoff = Backoff::new();
        loop {
            let mut soc = self.shared.soc.lock();
            if !soc.interrupt() {
                return;
            }
            let now = soc.asserted();
            if asserted != now {
                (asserted, since) = (now, Instant::now());
            } else if since.elapsed() > NOTHING_HAPPENS {
                let times = format!("again and again for {} s", since.elapsed().as_secs());
                let (storm, site) = self.interrupts.storm(&soc, &times);
                let what = storm.what.clone();
                soc.report(Some(storm), site);
                drop(soc);
                self.shared.stop_at_violation();
                self.shared.end(what);
            }
            soc.note(Record::Handler { running: true });
            drop(soc);
            self.interrupts.run();
            self.shared.soc.lock().note(Record::Handler { running: false });
            // What the line waits for may be another's to do.
            backoff.snooze();
        }
    }

    /// Sleeps until the line is asserted, or the host is done.
    #[track_caller]
    fn sleep(&self) {
        let set = |asleep| {
            let mut soc = self.shared.soc.lock();
            // ORDERING: none needed: read under the same lock.
            self.shared.firmware_is_asleep.store(asleep, Ordering::Relaxed);
            soc.note(Record::Sleep { asleep });
        };
        set(true);
        // ORDERING: pairs with the store in `set`; what the host has done is behind the lock.
        let host_is_done = || self.shared.host_is_done.load(Ordering::Acquire);
        drop(self.shared.wait(None, |soc| soc.interrupt() || host_is_done()));
        set(false);
        self.serve_interrupts();
    }

    /// Ends the run as a deadlock when nobody has done anything for longer than the host waits for an answer.
    fn stop_if_nothing_happens(&self, what: impl Fn() -> String) {
        const POLLS_BETWEEN_LOOKS: u32 = 1024;
        let (polls, seen, since) = self.idle.get();
        if polls < POLLS_BETWEEN_LOOKS {
            return self.idle.set((polls + 1, seen, since));
        }
        // ORDERING: none needed: the count is all that is looked at.
        let news = self.shared.steps.load(Ordering::Relaxed);
        if news != seen {
            return self.idle.set((0, news, Instant::now()));
        }
        self.idle.set((0, seen, since));
        let waited = since.elapsed();
        if waited > NOTHING_HAPPENS {
            let message = format!("the firmware {}, and nothing has happened for {} s", what(), waited.as_secs());
            self.shared.end(message);
        }
    }
}

impl Bus {
    /// An access to a register. Leaves the run if a violation has ended it.
    #[track_caller]
    fn access<T>(&self, access: impl FnOnce(&mut Soc) -> T) -> T {
        let (value, is_stopped) = self.shared.with(|soc| (access(soc), soc.is_stopped()));
        if is_stopped {
            self.shared.stop_at_violation();
        }
        value
    }

    /// An access while the program unwinds by a panic of its own. `None` if the run is being left: a destructor that
    /// waits for too long is left, too.
    fn while_unwinding<T>(&self, access: impl FnOnce(&mut Soc) -> T) -> Option<T> {
        let since = self.unwinding.get().unwrap_or_else(Instant::now);
        self.unwinding.set(Some(since));
        if since.elapsed() > NOTHING_HAPPENS {
            self.shared.leave();
        }
        thread::yield_now();
        self.shared.with(|soc| soc.while_unwinding(access))
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("threads::Bus")
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
        let line = Location::caller();
        if thread::panicking() {
            return self.while_unwinding(|soc| soc.cpu_read(offset, line)).unwrap_or(WHILE_LEAVING);
        }
        self.serve_interrupts();
        let value = self.access(|soc| soc.cpu_read(offset, line));
        self.stop_if_nothing_happens(|| format!("reads {}", name_of(offset)));
        self.shared.look();
        value
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        let line = Location::caller();
        if thread::panicking() {
            self.while_unwinding(|soc| soc.cpu_write(offset, value, line));
            return;
        }
        self.serve_interrupts();
        self.access(|soc| soc.cpu_write(offset, value, line));
        self.stop_if_nothing_happens(|| format!("writes {}", name_of(offset)));
    }
}

impl OutsideRegisters for Bus {
    unsafe fn peek(&self, address: u32) -> u32 {
        let line = Location::caller();
        if thread::panicking() {
            return self.while_unwinding(|soc| soc.cpu_peek(address, line)).unwrap_or(WHILE_LEAVING);
        }
        self.serve_interrupts();
        let value = self.access(|soc| soc.cpu_peek(address, line));
        self.stop_if_nothing_happens(|| format!("reads {}", name_at(address)));
        self.shared.look();
        value
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        let line = Location::caller();
        if thread::panicking() {
            self.while_unwinding(|soc| soc.cpu_poke(address, value, line));
            return;
        }
        self.serve_interrupts();
        self.access(|soc| soc.cpu_poke(address, value, line));
        self.stop_if_nothing_happens(|| format!("writes {}", name_at(address)));
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: both take the lock that the engine takes before and after it
//   copies, so the copy happens after the first and before the second.
// - The address is the region's: the window that `Soc::release` opens.
// - `snapshot` loads between two register accesses, and `fill` stores: under the lock that these take.
unsafe impl DmaFence for Bus {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let line = Location::caller();
        self.serve_interrupts();
        let mut soc = self.shared.soc.lock();
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { soc.release(region, line) };
        drop(soc);
        self.shared.stop_at_violation();
        address
    }

    unsafe fn acquire(&self, region: Region) {
        let line = Location::caller();
        self.serve_interrupts();
        let mut soc = self.shared.soc.lock();
        // Under one lock with the closing of the window: no copy is taken out in between.
        if soc.is_in_use(region, line) {
            while soc.is_copying() {
                self.shared.changed.wait(&mut soc);
            }
        }
        soc.acquire(region, line);
        drop(soc);
        self.shared.stop_at_violation();
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        let line = Location::caller();
        self.serve_interrupts();
        let mut seen = vec![0; region.length];
        // Under the lock that an STM32's DMA moves its items under.
        let mut soc = self.shared.soc.lock();
        if let Some(view) = soc.snapshot(region, line) {
            soc.copy_out(&view, region, 0, &mut seen);
        }
        drop(soc);
        self.shared.stop_at_violation();
        // SAFETY:
        // - `into` is valid for so many bytes (the caller's debt), and `seen` is a `Vec` of this call.
        unsafe { into.copy_from_nonoverlapping(seen.as_ptr(), seen.len()) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        let line = Location::caller();
        self.serve_interrupts();
        // Under the lock that an STM32's DMA moves its items under.
        let mut soc = self.shared.soc.lock();
        if soc.begin_fill(region, line) {
            // SAFETY:
            // - The region's pointer is valid for writes, `from` for reads, and they are apart (the caller's debt). The
            //   DMA does not read meanwhile: this thread has the lock.
            unsafe { region.pointer.copy_from_nonoverlapping(from, region.length) };
        }
        soc.end_fill(region, line);
        drop(soc);
        self.shared.stop_at_violation();
    }
}

impl Board for Bus {
    fn host_is_done(&self) -> bool {
        if thread::panicking() {
            return true;
        }
        self.serve_interrupts();
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(|| "waits for the host".to_owned());
        self.shared.look();
        // ORDERING: pairs with the store in `set`; what the host has done is behind the lock.
        self.shared.host_is_done.load(Ordering::Acquire)
    }

    fn with_interrupt<T>(&self, handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
        if thread::panicking() {
            return body();
        }
        self.interrupts.with_handler(handler, Location::caller(), body)
    }

    fn critical_section<T>(&self, body: impl FnOnce() -> T) -> T {
        if thread::panicking() {
            return body();
        }
        self.serve_interrupts();
        self.stop_if_nothing_happens(|| "goes through critical sections".to_owned());
        let result = self.interrupts.masked(body);
        self.serve_interrupts();
        self.shared.note_look();
        result
    }

    fn wait_for_interrupt(&self) {
        if thread::panicking() {
            return;
        }
        if self.interrupts.is_running() {
            self.shared.end(SLEEPING_HANDLER.to_owned());
        }
        self.sleep();
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(|| "sleeps and is woken".to_owned());
    }

    fn load(&self, address: BusAddress) -> u8 {
        let line = Location::caller();
        let value = self.shared.soc.lock().load(address, line);
        self.shared.stop_at_violation();
        value
    }

    fn store(&self, address: BusAddress, value: u8) {
        let line = Location::caller();
        self.shared.soc.lock().store(address, value, line);
        self.shared.stop_at_violation();
    }

    fn maintain(&self, address: BusAddress, length: u32, operation: Operation) {
        self.shared.soc.lock().maintain(address, length, operation);
        self.shared.stop_at_violation();
    }

    fn release_fence(&self) {
        self.shared.soc.lock().release_fence();
    }

    fn acquire_fence(&self) {
        self.shared.soc.lock().acquire_fence();
    }
}
