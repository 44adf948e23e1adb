//! Real threads: driver, engine and host run in parallel.
//!
//! The chip is behind a lock; the copy is not. So the engine moves bytes while the driver goes on, as on the chip, and
//! the lock orders the threads of *this* program: a driver's missing fence is a finding, never undefined behaviour of
//! the simulator. A buffer that is taken back while the engine copies is a violation, and the driver waits for the
//! engine all the same: no memory is touched after its window is closed.
//!
//! An interrupt handler runs on the firmware's thread, as on a chip that has one core: at the next register access,
//! fence or edge of a critical section after the line was asserted. A firmware that sleeps waits for the line. (On a
//! thread of its own a handler would run in parallel to the main program, which no chip of one core does.)
//!
//! Threads run as the system schedules them: one run shows one interleaving, and no two are alike. To try them all,
//! use [`stepped`](super::stepped).

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::UsbdRegisters;
use dma_api::registers::{OutsideRegisters, Registers};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::interrupt::{Interrupts, SLEEPING_HANDLER, sleeper};
use super::{Board, Program, Verdict, WHILE_LEAVING, quiet, quietly, unwind};
use crate::device::usbd::{Answer, name_of};
use crate::host::{Host, HostError, PATIENCE_MS, Reply, Step, Transaction, Wire};
use crate::monitor::Violation;
use crate::soc::Soc;
use crate::trace::{Keep, Record, Trace};

/// How long the host waits for a device before it gives up: real time here.
const DEVICE_PATIENCE: Duration = Duration::from_millis(PATIENCE_MS as u64);

/// How long the host gives the others to notice what it has done, at least and at most.
const SETTLING: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(PATIENCE_MS as u64)];

/// How many registers a firmware reads with nothing changed, before it counts as having noticed all.
const READS_WHEN_SETTLED: u32 = 500;

/// How long nothing may happen: longer than the host waits for an answer.
const NOTHING_HAPPENS: Duration = Duration::from_millis(PATIENCE_MS as u64 + 1000);

/// How long the host's script may wait for something that is not the wire.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(60);

struct Shared {
    soc: Mutex<Soc>,
    changed: Condvar,
    /// Counts changes; written under the lock, read without it by who waits.
    news: AtomicU64,
    /// Counts what the engine and the host have done: a firmware that waits for ever may write all the time.
    steps: AtomicU64,
    host_is_done: AtomicBool,
    firmware_is_done: AtomicBool,
    /// Written under the lock, and read under it.
    firmware_is_asleep: AtomicBool,
    /// How many registers the firmware has read since the last change. Written under the lock, and read under it.
    reads: AtomicU32,
}

impl Shared {
    /// Does something to the system, and tells who waits.
    fn with<T>(&self, f: impl FnOnce(&mut Soc) -> T) -> T {
        let mut soc = self.soc.lock();
        let before = soc.generation();
        let result = f(&mut soc);
        if soc.generation() != before {
            self.tell(soc);
        }
        result
    }

    fn tell(&self, soc: MutexGuard<'_, Soc>) {
        // ORDERING: none needed: read under the same lock.
        self.reads.store(0, Ordering::Relaxed);
        // ORDERING: pairs with the loads in `wait`; whoever sees the count takes the lock next, which orders the rest.
        self.news.fetch_add(1, Ordering::Release);
        drop(soc);
        self.changed.notify_all();
    }

    fn set(&self, flag: &AtomicBool) {
        // ORDERING: pairs with the loads of the flags; what their readers need besides is behind the lock.
        flag.store(true, Ordering::Release);
        self.tell(self.soc.lock());
    }

    /// Waits until the system is `ready`: spins, yields, then sleeps. `None` when the deadline has passed.
    fn wait(&self, deadline: Option<Instant>, ready: impl Fn(&Soc) -> bool) -> Option<MutexGuard<'_, Soc>> {
        loop {
            // ORDERING: pairs with the `fetch_add` in `tell`, here and below; the lock taken next orders the rest.
            let seen = self.news.load(Ordering::Acquire);
            let mut soc = self.soc.lock();
            if ready(&soc) {
                return Some(soc);
            }
            drop(soc);
            let backoff = Backoff::new();
            while self.news.load(Ordering::Acquire) == seen && !backoff.is_completed() {
                backoff.snooze();
            }
            soc = self.soc.lock();
            // The count changes under the lock only: nothing is missed between this look and the sleep.
            if self.news.load(Ordering::Acquire) == seen {
                match deadline {
                    Some(deadline) => drop(self.changed.wait_until(&mut soc, deadline)),
                    None => self.changed.wait(&mut soc),
                }
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
        }
    }

    fn note_step(&self) {
        // ORDERING: none needed: the count is all that is looked at.
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn firmware_is_done(&self) -> bool {
        // ORDERING: pairs with the store in `set`; what the firmware has done is behind the lock.
        self.firmware_is_done.load(Ordering::Acquire)
    }

    /// The engine's thread: powers the peripheral up, copies, until there is nothing more to come.
    fn engine(&self) {
        // ORDERING: pairs with the store in `set`; what the host has done is behind the lock.
        let is_over = || self.firmware_is_done() && self.host_is_done.load(Ordering::Acquire);
        loop {
            let rises = |soc: &Soc| soc.usbd().is_powering_up() || soc.supply_steps().next().is_some();
            let moves = |soc: &Soc| soc.dma_steps().next().is_some() || soc.wire_steps().next().is_some();
            let ready = |soc: &Soc| soc.engine_is_busy() || moves(soc) || rises(soc) || is_over();
            let Some(mut soc) = self.wait(None, ready) else {
                return;
            };
            self.note_step();
            if soc.usbd().is_powering_up() {
                soc.power_up_done();
                self.tell(soc);
                continue;
            }
            if let Some(step) = soc.supply_steps().next() {
                soc.supply_step(step);
                self.tell(soc);
                continue;
            }
            if moves(&soc) {
                // A step of each that can take one, then the lock is somebody else's.
                let controllers: Vec<_> = soc.dma_steps().collect();
                controllers.into_iter().for_each(|controller| soc.dma_step(controller));
                let usarts: Vec<_> = soc.wire_steps().collect();
                usarts.into_iter().for_each(|usart| soc.wire_step(usart));
                self.tell(soc);
                continue;
            }
            let Some(mut copy) = soc.take_copy() else {
                return;
            };
            drop(soc);
            while let Some(beat) = copy.next() {
                let blind = copy.is_blind();
                let bytes = copy.step();
                self.soc.lock().note_beat(beat, bytes, blind);
            }
            self.with(|soc| soc.end_copy(&copy));
        }
    }

    /// The driver is about to be left. Its frames go, and a buffer may be among them: the engine finishes what it
    /// copies, and begins nothing more.
    fn leave(&self) {
        let mut soc = self.soc.lock();
        soc.leave();
        while soc.is_copying() {
            self.changed.wait(&mut soc);
        }
        self.tell(soc);
    }

    /// Leaves the run, through the driver.
    fn end(&self, deadlock: String) -> ! {
        self.leave();
        resume_unwind(Box::new(Deadlock(deadlock)))
    }

    /// Leaves the run if a violation has ended it.
    #[track_caller]
    fn stop_at_violation(&self) {
        if thread::panicking() {
            return;
        }
        let stop = self.soc.lock().stop().map(|(violation, policy)| (violation.clone(), policy));
        if let Some((violation, policy)) = stop {
            self.leave();
            unwind(&violation, policy);
        }
    }
}

/// The bus that firmware runs on.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
    /// How long the driver has polled in vain.
    backoff: Rc<Backoff>,
    /// Polls, and what was new when, at the last look.
    idle: Rc<Cell<(u32, u64, Instant)>>,
    interrupts: Rc<Interrupts>,
}

impl Bus {
    fn new(shared: &Arc<Shared>) -> Self {
        let idle = Rc::new(Cell::new((0, 0, Instant::now())));
        Self { shared: shared.clone(), backoff: Rc::new(Backoff::new()), idle, interrupts: Rc::default() }
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
    fn stop_if_nothing_happens(&self, what: &dyn std::fmt::Display) {
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
            let message = format!("the firmware {what}, and nothing has happened for {} s", waited.as_secs());
            self.shared.end(message);
        }
    }
}

/// How a run ended before its end, but for a violation.
struct Deadlock(String);

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("threads::Bus")
    }
}

// SAFETY:
// - The emulated chip is an nRF52840, and these are its USBD's. Two that are used at once are two drivers of one chip:
//   what they start together is reported, and reaches no memory but what was lent.
unsafe impl UsbdRegisters for Bus {}

// SAFETY:
// - `read` and `write` are those of the emulated chip, whose registers these are.
// - Each takes effect at once, in program order.
unsafe impl Registers for Bus {
    fn read(&self, offset: u16) -> u32 {
        if thread::panicking() {
            return WHILE_LEAVING;
        }
        let line = Location::caller();
        self.serve_interrupts();
        let value = self.shared.with(|soc| {
            // ORDERING: none needed: read under the same lock.
            self.shared.reads.fetch_add(1, Ordering::Relaxed);
            soc.cpu_read(offset, line)
        });
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(&format_args!("reads {}", name_of(offset)));
        if value == 0 {
            // Most likely a poll for an event that has not come.
            self.backoff.snooze();
        } else {
            self.backoff.reset();
        }
        value
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        if thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.backoff.reset();
        self.serve_interrupts();
        self.shared.with(|soc| soc.cpu_write(offset, value, line));
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(&format_args!("writes {}", name_of(offset)));
    }
}

impl OutsideRegisters for Bus {
    unsafe fn peek(&self, address: u32) -> u32 {
        if thread::panicking() {
            return WHILE_LEAVING;
        }
        let line = Location::caller();
        let value = self.shared.with(|soc| soc.cpu_peek(address, line));
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(&format_args!("reads the register at {address:#x}"));
        value
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        if thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.shared.with(|soc| soc.cpu_poke(address, value, line));
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(&format_args!("writes the register at {address:#x}"));
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: both take the lock that the engine takes before and after it
//   copies, so the copy happens after the first and before the second.
// - The address is the region's: the window that `Soc::release` opens.
// - `snapshot` loads between two register accesses: under the lock that these take.
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
            view.read(0, &mut seen);
        }
        drop(soc);
        self.shared.stop_at_violation();
        // SAFETY:
        // - `into` is valid for so many bytes (the caller's debt), and `seen` is a `Vec` of this call.
        unsafe { into.copy_from_nonoverlapping(seen.as_ptr(), seen.len()) }
    }
}

impl Board for Bus {
    fn host_is_done(&self) -> bool {
        if thread::panicking() {
            return true;
        }
        self.serve_interrupts();
        self.shared.stop_at_violation();
        self.stop_if_nothing_happens(&"waits for the host");
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
        self.stop_if_nothing_happens(&"goes through critical sections");
        let result = self.interrupts.masked(body);
        self.serve_interrupts();
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
        self.stop_if_nothing_happens(&"sleeps and is woken");
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

    fn release_fence(&self) {
        self.shared.soc.lock().release_fence();
    }

    fn acquire_fence(&self) {
        self.shared.soc.lock().acquire_fence();
    }
}

struct ThreadsWire(Arc<Shared>);

impl ThreadsWire {
    fn transaction(&self, transaction: &Transaction) -> Result<Answer, HostError> {
        let &Transaction { address, endpoint, token, retry, patience_ms, .. } = transaction;
        if retry {
            let started = Instant::now();
            let deadline = started + Duration::from_millis(patience_ms.into());
            let waits = |soc: &Soc| soc.answer(transaction) == Answer::Nak;
            let is_hopeless = |soc: &Soc| self.0.firmware_is_done() && !soc.engine_is_busy() && !soc.is_copying();
            let soc = self.0.wait(Some(deadline), |soc| !waits(soc) || is_hopeless(soc));
            if soc.is_none_or(|soc| waits(&soc)) {
                let (milliseconds, sides) = (milliseconds_since(started), self.sides());
                return Err(HostError::Timeout { token: token.name(), address, endpoint, milliseconds, sides });
            }
        }
        Ok(self.0.with(|soc| soc.carry_out(transaction, transaction.fault)))
    }

    /// Waits for as long as a host waits for a device, or while the firmware runs.
    fn wait_for(
        &self,
        ready: impl Fn(&Soc) -> bool,
        error: impl Fn(u64, String) -> HostError,
    ) -> Result<(), HostError> {
        let started = Instant::now();
        let moves = |soc: &Soc| soc.dma_steps().next().is_some() || soc.wire_steps().next().is_some();
        let is_hopeless = |soc: &Soc| self.0.firmware_is_done() && !moves(soc);
        let soc = self.0.wait(Some(started + DEVICE_PATIENCE), |soc| ready(soc) || is_hopeless(soc));
        if soc.is_some_and(|soc| ready(&soc)) {
            return Ok(());
        }
        Err(error(milliseconds_since(started), self.sides()))
    }

    /// Where the others are.
    fn sides(&self) -> String {
        let soc = self.0.soc.lock();
        let firmware = if self.0.firmware_is_done() {
            "the firmware has returned".to_owned()
        } else if self.0.firmware_is_asleep.load(Ordering::Relaxed) {
            // ORDERING: none needed: written under the same lock.
            sleeper(&soc)
        } else {
            "the firmware runs".to_owned()
        };
        let engine = if soc.engine_is_busy() || soc.is_copying() { "copies" } else { "is idle" };
        format!("{firmware}; the engine {engine}")
    }
}

fn milliseconds_since(started: Instant) -> u64 {
    started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}

impl ThreadsWire {
    /// Waits until the firmware sleeps, has returned, or polls in vain, and the engine is idle.
    fn settle(&self) {
        let [least, most] = SETTLING;
        let started = Instant::now();
        // What the host has done last need not be a change that a register shows.
        self.0.tell(self.0.soc.lock());
        loop {
            thread::sleep(least);
            let soc = self.0.soc.lock();
            // ORDERING: none needed: written under the same lock.
            let sleeps = self.0.firmware_is_asleep.load(Ordering::Relaxed) && !soc.interrupt();
            let polls = self.0.reads.load(Ordering::Relaxed) >= READS_WHEN_SETTLED;
            let rises = soc.usbd().is_powering_up() || soc.supply_steps().next().is_some();
            let moves = soc.dma_steps().next().is_some() || soc.wire_steps().next().is_some();
            let is_idle = !rises && !moves && !soc.engine_is_busy() && !soc.is_copying();
            if is_idle && (sleeps || polls || self.0.firmware_is_done()) || started.elapsed() > most {
                return;
            }
        }
    }

    fn take_step(&self, step: &Step) -> Result<Reply, HostError> {
        match step {
            Step::Reset => {
                self.wait_for(Soc::is_connected, |milliseconds, sides| HostError::NoDevice { milliseconds, sides })?;
                self.0.with(Soc::bus_reset);
            }
            Step::WakeUp => {
                let error = |milliseconds, sides| HostError::NoWakeUp { milliseconds, sides };
                self.wait_for(Soc::is_driving_resume, error)?;
                self.0.with(Soc::resume);
            }
            Step::StartOfFrame(frame) => self.0.with(|soc| soc.start_of_frame(*frame)),
            Step::Suspend => self.0.with(Soc::suspend),
            Step::Resume => self.0.with(Soc::resume),
            Step::Disconnect => self.0.with(|soc| soc.plug(false)),
            Step::Connect => self.0.with(|soc| soc.plug(true)),
            Step::Settle => self.settle(),
            Step::Serial { port, does } => {
                let (port, does) = (*port, *does);
                let error = |milliseconds, sides| does.in_vain(port, milliseconds, sides);
                self.wait_for(|soc| soc.can_carry_out_serial(port, does), error)?;
                return Ok(self.0.with(|soc| soc.carry_out_serial(port, does)));
            }
            Step::Transaction(transaction) => return self.transaction(transaction).map(Reply::Answer),
            Step::Isochronous(isochronous) => {
                return Ok(Reply::Packet(self.0.with(|soc| soc.carry_out_isochronous(isochronous))));
            }
        }
        Ok(Reply::Done)
    }
}

impl Wire for ThreadsWire {
    fn poll_step(&self, step: &Step, _context: &mut Context<'_>) -> Poll<Result<Reply, HostError>> {
        let reply = self.take_step(step);
        self.0.note_step();
        Poll::Ready(reply)
    }
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// How it ended. `Sound` says that this one run was.
    pub verdict: Verdict,
    /// What happened, as far as `Config::keep` says.
    pub trace: Trace,
    /// All violations that were noted. One of them may have ended the run: it is the verdict.
    pub violations: Vec<Violation>,
}

/// Runs `program` once: firmware on this thread, engine and host on threads of their own. `keep` overrides what the
/// program's configuration says.
pub fn run<P: Program + Sync>(program: &P, keep: Option<Keep>) -> Run {
    let mut config = program.config();
    config.keep = keep.unwrap_or(config.keep);
    let mut soc = Soc::new(config);
    program.prepare(&mut soc);
    let shared = Arc::new(Shared {
        soc: Mutex::new(soc),
        changed: Condvar::new(),
        news: AtomicU64::new(0),
        steps: AtomicU64::new(0),
        host_is_done: AtomicBool::new(false),
        firmware_is_done: AtomicBool::new(false),
        firmware_is_asleep: AtomicBool::new(false),
        reads: AtomicU32::new(0),
    });
    let (result, host) = thread::scope(|scope| {
        let host = scope.spawn(|| {
            let outcome = quietly(|| block_on(program.host(Host::new(Rc::new(ThreadsWire(shared.clone()))))));
            shared.set(&shared.host_is_done);
            outcome
        });
        scope.spawn(|| shared.engine());
        let result = quietly(|| program.firmware(Bus::new(&shared)));
        shared.set(&shared.firmware_is_done);
        (result, host.join().expect("the host's panic was caught in its thread"))
    });
    let soc = std::mem::replace(&mut *shared.soc.lock(), Soc::new(config));
    let stop = soc.stop().map(|(violation, _)| violation.clone());
    let (trace, violations) = soc.into_evidence();
    let verdict = stop.map_or_else(|| judge(result, host), |violation| Verdict::found(violation, 1));
    Run { verdict, trace, violations }
}

/// Polls a script whose steps block: it is never pending.
fn block_on(future: impl Future<Output = Result<(), HostError>>) -> Result<(), HostError> {
    let mut future = pin!(future);
    let started = Instant::now();
    while started.elapsed() < SCRIPT_PATIENCE {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
        // A script that waits for something else than the wire is polled until that has come.
        thread::yield_now();
    }
    let message = "the script waits for something that is not the wire, and that does not come";
    Err(HostError::Unexpected(message.to_owned()))
}

type Caught<T> = Result<T, Box<dyn Any + Send>>;

/// The verdict of a run that no violation has ended.
fn judge(firmware: Caught<()>, host: Caught<Result<(), HostError>>) -> Verdict {
    let assertion = |message| Verdict::Assertion { message, replay: None, executions: 1 };
    let deadlock = |message| Verdict::Deadlock { message, replay: None, executions: 1 };
    match (firmware, host) {
        (Err(payload), _) => match payload.downcast::<Deadlock>() {
            Ok(ended) => deadlock(ended.0),
            Err(payload) => assertion(quiet::message(&*payload)),
        },
        (Ok(()), Err(payload)) => assertion(format!("the host: {}", quiet::message(&*payload))),
        (Ok(()), Ok(Err(error))) if error.is_timeout() => deadlock(error.to_string()),
        (Ok(()), Ok(Err(error))) => assertion(format!("the host: {error}")),
        (Ok(()), Ok(Ok(()))) => Verdict::Sound { executions: 1, complete: 1 },
    }
}
