//! loom: every ordering that the fences of driver and device allow.
//!
//! The driver and the chip are the real ones. Two loom threads run them: the *CPU* thread the driver, the *device*
//! thread the engine and a host that takes each packet. What loom sees of it:
//!
//! | what | is in loom | because |
//! |---|---|---|
//! | the chip | a lock that loom does not know | a loom mutex would order what only a fence may order |
//! | START, seen by the device | `to_device`: a count of transfers | written relaxed: it orders no memory |
//! | END and the packet's ACK, seen by the driver | `to_cpu`: a count of actions | likewise |
//! | PTR, MAXCNT, clearing of events | nothing | the device sees them through the captured job only |
//! | the buffer | one [`cell::Shadow`] | accessed where ownership changes hands: `release`, the copy, `acquire` |
//!
//! # In-order registers without ordering for memory
//!
//! An action of the device (END, the packet taken) takes effect on the chip when the driver's register read has seen
//! its count, and in the order of counts. So the driver finds registers as a bus would show them, each change after
//! the one before, while nothing but its fences orders its memory accesses.
//!
//! END and the ACK of its packet are one step here, so that 3 packets take 15 625 executions and not 165 000; `stepped`
//! takes them apart.
//!
//! # loom's holes, and how they are closed
//!
//! - A thread that loads and then stores one location hides races from loom (tokio-rs/loom#392): every access to a
//!   location is a read-modify-write. It finds the latest value, as a register read does.
//! - Its acquire fence, its sequentially consistent fence and the read-modify-writes order too much: the fences are not
//!   loom's own, see [`fence`].
//! - A limit that is hit looks like success: executions are counted here, and a limit is [`Verdict::Inconclusive`].
//! - Environment variables change the search: every field of the builder is set.
//!
//! # Interrupts
//!
//! The handler runs on the CPU thread, where a look at the device's news shows the line asserted: at register reads
//! that look, and in `wait_for_interrupt`. `stepped` has it come later as well.
//!
//! # Policies
//!
//! There is no list of violations here, so [`Policy::Collect`](crate::monitor::Policy) is `Silicon`. loom ends an
//! execution at its first race: a race is not looked for where it would not end the run, and its panic is not the
//! driver's.
//!
//! # Power
//!
//! Nothing powers up here, and nothing of a [`Supply::Modelled`](crate::device::usbd::Supply) comes: a program prepares
//! it.
//!
//! Not seen: load buffering; more than one buffer; more than one device thread.

use std::collections::VecDeque;
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering as Plain};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::UsbdRegisters;
use dma_api::registers::{OutsideRegisters, Registers};

use super::interrupt::{Interrupts, SLEEPING_HANDLER};
use super::{Board, Program, Verdict, WHILE_LEAVING, quiet, quietly, unwind};
use crate::device::usbd::{Answer, Token};
use crate::engine::Copy;
use crate::machine::Fences;
use crate::monitor::clocks::Access;
use crate::monitor::{Misuse, Rule, Site, Violation};
use crate::soc::Soc;

pub mod cell;
pub mod fence;
pub mod location;

/// How much a model may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Executions, at most.
    pub executions: u64,
    /// Time, at most.
    pub time: Duration,
    /// Switch points in one execution, at most.
    pub branches: usize,
    /// Release fences in one execution, at most.
    pub releases: usize,
}

impl Default for Limits {
    /// A million executions, a minute, 10 000 switch points, 16 release fences (each costs time in every execution).
    fn default() -> Self {
        Self { executions: 1_000_000, time: Duration::from_secs(60), branches: 10_000, releases: 16 }
    }
}

/// How often a handler runs, with the line asserted and all news known, before it counts as a storm.
const RUNS_WITHOUT_HOPE: u32 = 100;

/// What loom's message of a deadlock begins with, and ours.
const DEADLOCK: &str = "deadlock";

/// Programs that loom can run: the host takes each packet that the driver sends, and does nothing else.
pub trait Packets: Program + Clone + Send + Sync + 'static {
    /// How many packets the driver sends: the device thread does as many, and ends.
    fn packets(&self) -> usize;
}

/// What the device does, in order; it takes effect when the driver's reads have seen it.
enum Action {
    End(Copy),
    TakePacket,
}

/// What one execution leaves behind, for the verdict.
#[derive(Default)]
struct Evidence {
    executions: AtomicU64,
    complete: AtomicU64,
    limit: Mutex<Option<String>>,
    violation: Mutex<Option<Violation>>,
}

struct Shared {
    soc: Mutex<Soc>,
    fences: Fences,
    /// Races are loom's to find, and it goes no further than the first. The other rules are the monitor's.
    finds_races: bool,
    buffer: cell::Shadow,
    to_device: location::Location,
    to_cpu: location::Location,
    jobs: Mutex<VecDeque<Copy>>,
    actions: Mutex<VecDeque<Action>>,
    applied: AtomicU64,
    /// All actions that there will be.
    all: u64,
    polled: Mutex<Vec<u16>>,
    evidence: Arc<Evidence>,
}

/// loom runs all its threads on one thread of the system, so these locks are free; one that panicked is the end of
/// the execution anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new<P: Packets>(program: &P, evidence: Arc<Evidence>) -> Self {
        let config = program.config();
        let mut soc = Soc::new(config);
        program.prepare(&mut soc);
        Self {
            soc: Mutex::new(soc),
            fences: config.fences,
            finds_races: config.policies.of(Rule::Race).ends_the_run(),
            buffer: cell::Shadow::new(),
            to_device: location::Location::new(),
            to_cpu: location::Location::new(),
            jobs: Mutex::default(),
            actions: Mutex::default(),
            applied: AtomicU64::new(0),
            all: 2 * program.packets() as u64,
            polled: Mutex::default(),
            evidence,
        }
    }

    /// Takes the memory of `region` away from the jobs that are not done yet: its window is about to close.
    fn revoke(&self, region: Region) {
        let soc = lock(&self.soc);
        lock(&self.jobs).iter_mut().filter(|copy| soc.shows(&copy.range(), region)).for_each(Copy::revoke);
    }

    fn has_all_news(&self) -> bool {
        self.applied.load(Plain::Relaxed) == self.all
    }

    /// Leaves the execution if a violation has ended it.
    #[track_caller]
    fn stop_at_violation(&self) {
        let stop = lock(&self.soc).stop().map(|(violation, policy)| (violation.clone(), policy));
        if let Some((violation, policy)) = stop {
            *lock(&self.evidence.violation) = Some(violation.clone());
            unwind(&violation, policy);
        }
    }

    /// An access to the buffer, for loom to judge.
    fn access(&self, access: Access, site: Site) {
        if self.finds_races {
            self.buffer.access(access, site);
        }
    }

    /// Whether a read of `offset` looks for news of the device, or belongs to the poll that has looked already: one
    /// poll takes all it reads from one moment. A poll that repeats itself lets the device go on first.
    fn wants_news(&self, offset: u16) -> bool {
        let mut polled = lock(&self.polled);
        let repeats = polled.contains(&offset);
        let first = polled.is_empty();
        if repeats {
            polled.clear();
        }
        polled.push(offset);
        drop(polled);
        if repeats {
            loom::thread::yield_now();
        }
        repeats || first
    }

    /// Lets the device's actions up to the `seen`th take effect.
    fn apply(&self, seen: usize) {
        while self.applied.load(Plain::Relaxed) < seen as u64 {
            self.applied.fetch_add(1, Plain::Relaxed);
            let action = lock(&self.actions).pop_front().expect("an action stands before its count is stored");
            let mut soc = lock(&self.soc);
            match action {
                Action::End(copy) => soc.end_copy(&copy),
                Action::TakePacket => {
                    let answer = soc.transaction(0, 0, Token::In);
                    let taken = matches!(answer, Answer::Data { .. });
                    assert!(taken, "the host was to take a packet, and the device answered {answer:?}");
                }
            }
        }
    }

    /// The device thread: engine and host, for as many packets as the program has.
    fn device(&self, packets: usize) {
        for packet in 1..=packets {
            while self.to_device.read() < packet {
                loom::thread::yield_now();
            }
            // ORDERING: pairs with the driver's `release`; orders the engine's accesses after the trigger.
            fence::acquire();
            let beat = lock(&self.jobs).front().expect("a job stands before its count is stored").next();
            if let Some(beat) = beat {
                self.access(beat.access, beat.site);
            }
            // It stands there until now, so that `acquire` finds it. Nobody else runs between here and its end.
            let mut copy = lock(&self.jobs).pop_front().expect("it stood there, and only this thread takes it");
            copy.finish();
            // ORDERING: pairs with the driver's `acquire`; orders the engine's accesses before END.
            fence::release();
            lock(&self.actions).extend([Action::End(copy), Action::TakePacket]);
            self.to_cpu.write(2 * packet);
        }
    }
}

/// The bus that firmware runs on.
#[derive(Clone)]
pub struct Bus(Arc<Shared>, Rc<Interrupts>);

impl Bus {
    /// Looks for news of the device.
    fn look(&self) {
        self.0.apply(self.0.to_cpu.read());
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
            self.look();
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
unsafe impl UsbdRegisters for Bus {}

// SAFETY:
// - `read` and `write` are those of the emulated chip, whose registers these are.
// - Each takes effect at once, in program order.
unsafe impl Registers for Bus {
    fn read(&self, offset: u16) -> u32 {
        if std::thread::panicking() {
            return WHILE_LEAVING;
        }
        let line = Location::caller();
        if self.0.wants_news(offset) {
            self.look();
        }
        self.serve_interrupts();
        let value = lock(&self.0.soc).cpu_read(offset, line);
        self.0.stop_at_violation();
        value
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        if std::thread::panicking() {
            return;
        }
        self.serve_interrupts();
        let started = {
            let mut soc = lock(&self.0.soc);
            soc.cpu_write(offset, value, Location::caller());
            soc.take_copy()
        };
        self.0.stop_at_violation();
        if let Some(copy) = started {
            let count = usize::try_from(copy.job().id).expect("a count of transfers");
            lock(&self.0.jobs).push_back(copy);
            lock(&self.0.polled).clear();
            self.0.to_device.write(count);
        }
    }
}

/// Nobody else has to do with these registers: an access is no choice.
impl OutsideRegisters for Bus {
    unsafe fn peek(&self, address: u32) -> u32 {
        if std::thread::panicking() {
            return WHILE_LEAVING;
        }
        let value = lock(&self.0.soc).cpu_peek(address, Location::caller());
        self.0.stop_at_violation();
        value
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        if std::thread::panicking() {
            return;
        }
        lock(&self.0.soc).cpu_poke(address, value, Location::caller());
        self.0.stop_at_violation();
    }
}

// SAFETY:
// - `release` and `acquire` order the region's accesses: loom runs its threads one at a time on one thread of the
//   system. What the fence is worth on the machine under test is judged by loom, on the shadow cell.
// - The address is the region's: the window that `Soc::release` opens.
// - `snapshot` loads between two register accesses: on one thread, in program order.
unsafe impl DmaFence for Bus {
    unsafe fn release(&self, region: Region) -> BusAddress {
        let line = Location::caller();
        self.0.access(Access::Write, Site::Cpu(line));
        if self.0.fences.machine.honours(self.0.fences.start) {
            fence::release();
        }
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
        if self.0.fences.machine.honours(self.0.fences.end) {
            fence::acquire();
        }
        self.0.access(Access::Write, Site::Cpu(line));
        lock(&self.0.soc).acquire(region, line);
        self.0.stop_at_violation();
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        let line = Location::caller();
        if self.0.fences.machine.honours(self.0.fences.end) {
            fence::acquire();
        }
        let mut seen = vec![0; region.length];
        if !std::thread::panicking() {
            self.0.access(Access::Read, Site::Cpu(line));
            if let Some(view) = lock(&self.0.soc).snapshot(region, line) {
                view.read(0, &mut seen);
            }
            self.0.stop_at_violation();
        }
        // SAFETY:
        // - `into` is valid for so many bytes (the caller's debt), and `seen` is a `Vec` of this call.
        unsafe { into.copy_from_nonoverlapping(seen.as_ptr(), seen.len()) }
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
        self.look();
        while !lock(&self.0.soc).interrupt() && !self.0.has_all_news() {
            loom::thread::yield_now();
            self.look();
        }
        self.serve_interrupts();
    }
    fn load(&self, address: BusAddress) -> u8 {
        if std::thread::panicking() {
            return 0;
        }
        let line = Location::caller();
        self.0.access(Access::Read, Site::Cpu(line));
        let value = lock(&self.0.soc).load(address, line);
        self.0.stop_at_violation();
        value
    }

    fn store(&self, address: BusAddress, value: u8) {
        if std::thread::panicking() {
            return;
        }
        let line = Location::caller();
        self.0.access(Access::Write, Site::Cpu(line));
        lock(&self.0.soc).store(address, value, line);
        self.0.stop_at_violation();
    }

    fn release_fence(&self) {
        if self.0.fences.machine.honours(self.0.fences.start) {
            fence::release();
        }
    }

    fn acquire_fence(&self) {
        if self.0.fences.machine.honours(self.0.fences.end) {
            fence::acquire();
        }
    }
}

/// Explores `program` with loom.
pub fn check<P: Packets>(program: &P, limits: Limits) -> Verdict {
    let evidence = Arc::new(Evidence::default());
    let (body_evidence, program) = (evidence.clone(), program.clone());
    search(limits, &evidence, move || execute(&program, &body_evidence))
}

/// Explores `body`, which spawns what loom threads it likes and accesses what stands in this module's submodules.
///
/// Every execution that returns is complete.
pub fn explore(limits: Limits, body: impl Fn() + Send + Sync + 'static) -> Verdict {
    let evidence = Arc::new(Evidence::default());
    let body_evidence = evidence.clone();
    search(limits, &evidence, move || {
        body();
        body_evidence.complete.fetch_add(1, Plain::Relaxed);
    })
}

/// Has loom run `body` in every way, and judges what it leaves in `evidence`.
fn search(limits: Limits, evidence: &Arc<Evidence>, body: impl Fn() + Send + Sync + 'static) -> Verdict {
    let body_evidence = evidence.clone();
    let started = Instant::now();
    let body = move || {
        let evidence = &body_evidence;
        let count = evidence.executions.fetch_add(1, Plain::Relaxed) + 1;
        if count > limits.executions || started.elapsed() > limits.time {
            let limit = format!("the limit of {} executions or {:?} was hit", limits.executions, limits.time);
            *lock(&evidence.limit) = Some(limit);
            panic!("a limit was hit");
        }
        fence::begin(limits.releases);
        body();
    };
    cell::forget();
    let result = quietly(|| builder(limits).check(body));
    judge(result, evidence)
}

/// One execution.
fn execute<P: Packets>(program: &P, evidence: &Arc<Evidence>) {
    let shared = Arc::new(Shared::new(program, evidence.clone()));
    let (cpu, firmware) = (shared.clone(), program.clone());
    // The driver runs on a thread that has a real stack: the one that loom starts with has 32 KiB, enough for the
    // device. A third thread, only to wait for both, would treble the executions.
    let cpu = loom::thread::Builder::new()
        .stack_size(0x2_0000)
        .spawn(move || {
            firmware.firmware(Bus(cpu.clone(), Rc::default()));
            // What the device did at the driver's last look.
            cpu.stop_at_violation();
        })
        .expect("loom has room for this thread: it has no other");
    shared.device(program.packets());
    let joined = cpu.join().is_ok();
    // A driver that gives up before it has seen the end shows nothing about what comes after.
    if joined && shared.has_all_news() {
        evidence.complete.fetch_add(1, Plain::Relaxed);
    }
}

/// A search with every field set: what the environment says must not change a verdict.
pub(crate) fn builder(limits: Limits) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = 5;
    builder.max_branches = limits.branches;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = None;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = 20_000;
    builder.expect_explicit_explore = false;
    builder.location = true;
    builder.log = false;
    builder
}

fn judge(result: Result<(), Box<dyn std::any::Any + Send>>, evidence: &Evidence) -> Verdict {
    let executions = evidence.executions.load(Plain::Relaxed);
    let complete = evidence.complete.load(Plain::Relaxed);
    let Err(payload) = result else {
        return if complete == 0 { Verdict::Vacuous { executions } } else { Verdict::Sound { executions, complete } };
    };
    if let Some(message) = lock(&evidence.limit).take() {
        return Verdict::Inconclusive { message, executions: executions - 1 };
    }
    if let Some(violation) = lock(&evidence.violation).take() {
        return Verdict::found(violation, executions);
    }
    let message = quiet::message(&*payload).trim().to_owned();
    if message.starts_with("Causality violation") {
        return Verdict::found(race(), executions);
    }
    if message.starts_with("Model exceeded maximum number of branches") || message == fence::NO_STAMP {
        return Verdict::Inconclusive { message, executions };
    }
    if message.starts_with(DEADLOCK) {
        return Verdict::Deadlock { message, replay: None, executions };
    }
    Verdict::Assertion { message, replay: None, executions }
}

/// The race that loom has stopped at: the access that it refused, and the last of the other side before it.
fn race() -> Violation {
    let (site, other) = cell::last_two();
    let missing = match site {
        None => "nothing orders the two accesses",
        Some(Site::Dma { .. } | Site::Channel { .. }) => {
            "no release fence that this machine honours orders the CPU's access before the start of the transfer"
        }
        _ => "no acquire fence that this machine honours orders the CPU's access after the end of the transfer",
    };
    let misuse = Misuse { other, ..Misuse::new(Rule::Race, missing.to_owned()) };
    Violation { misuse, site: site.unwrap_or(Site::Cpu(Location::caller())), replay: None }
}
