//! A script against a device: who runs it, and on which schedules.

use std::cell::RefCell;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::thread::ThreadId;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::{UsbBus, Usbd, UsbdBlock, map};
use dma_api::registers::{OutsideRegisters, Registers, RegistersOf};
use sim_core::explore::scheduler::{Immediate, Scheduler};
use sim_core::explore::stepped::{self, Run};
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;
use sim_core::trace::{Keep, timeline};
use tests::pace::Paced;
use usb_device::bus::UsbBusAllocator;

use crate::classes::devices::{Device, Pace};

/// usb-device's bus on an emulated board.
pub type Bus<B> = UsbBus<OneThread<B>>;

/// How many random schedules each script runs on, at each pace.
const SEEDS: u32 = 30;

/// How many of them something runs on that is known to fail.
const SEEDS_OF_FAILURES: u32 = 5;

/// How many lines of the timeline a failure shows: the last.
const TIMELINE_LINES: usize = 60;

/// A board that is used on one thread, as `Send`: firmware on threads of its own is not what runs here, but
/// [`UsbBus`] has to allow for it.
///
/// # Invariants
///
/// - `board` is accessed on `thread` only, and never dropped elsewhere.
#[derive(Debug)]
pub struct OneThread<B> {
    board: Option<B>,
    thread: ThreadId,
}

// SAFETY:
// - `board` is accessed by the thread that made it and by no other: `board` and `drop` compare the threads first.
unsafe impl<B> Send for OneThread<B> {}

impl<B> OneThread<B> {
    fn new(board: B) -> Self {
        Self { board: Some(board), thread: std::thread::current().id() }
    }

    fn board(&self) -> &B {
        assert_eq!(self.thread, std::thread::current().id(), "the board is used on another thread");
        self.board.as_ref().expect("it is taken by `drop` only")
    }
}

impl<B> Drop for OneThread<B> {
    fn drop(&mut self) {
        if self.thread != std::thread::current().id() {
            // INVARIANT: not dropped here, but leaked.
            std::mem::forget(self.board.take());
        }
    }
}

// SAFETY:
// - They are those of `board`, which are the USBD's.
unsafe impl<B: RegistersOf<UsbdBlock>> RegistersOf<UsbdBlock> for OneThread<B> {}

// SAFETY:
// - These are the registers of `board`, whose `read` and `write` keep what is promised.
unsafe impl<B: Registers> Registers for OneThread<B> {
    fn read(&self, offset: u16) -> u32 {
        self.board().read(offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - What the write may start has its proof: the caller's debt, passed on unchanged.
        unsafe { self.board().write(offset, value) }
    }
}

impl<B: OutsideRegisters> OutsideRegisters for OneThread<B> {
    unsafe fn peek(&self, address: u32) -> u32 {
        // SAFETY:
        // - The chip is the one whose errata name the register: the caller's debt, passed on unchanged.
        unsafe { self.board().peek(address) }
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        // SAFETY:
        // - The chip is the one whose errata name the register, and the value is its workaround's: the caller's debt,
        //   passed on unchanged.
        unsafe { self.board().poke(address, value) }
    }
}

// SAFETY:
// - These are `release`, `acquire`, `snapshot` and `fill` of `board`, which keep what is promised.
unsafe impl<B: DmaFence> DmaFence for OneThread<B> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        unsafe { self.board().release(region) }
    }

    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released, and its transfer has ended: the caller's debt, passed on unchanged.
        unsafe { self.board().acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.board().snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.board().fill(region, from) }
    }
}

/// Powers the controller of `board` up, for usb-device.
pub fn power_up<B: Board>(board: &B) -> UsbBusAllocator<Bus<B>> {
    UsbBusAllocator::new(UsbBus::new(powered(board), statics::packet_buffer()))
}

/// The controller of `board`, powered up.
pub fn powered<B: Board>(board: &B) -> Usbd<OneThread<B>> {
    let mut usbd = Usbd::new(OneThread::new(board.clone()));
    usbd.power_up();
    while !usbd.is_ready() {}
    usbd
}

/// A device, and what the host does with it.
struct Conversation<S> {
    device: Device,
    pace: Pace,
    script: S,
}

impl<S, R> Program for Conversation<S>
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    fn name(&self) -> String {
        let thread = std::thread::current();
        format!("usb-device-{:?}-{:?}-{}", self.device, self.pace, thread.name().unwrap_or_default())
    }

    fn config(&self) -> Config {
        Config::default()
    }

    /// A bootloader has let an event interrupt that nobody here knows of.
    fn prepare(&self, soc: &mut Soc) {
        soc.cpu_write(map::intenset(), map::event_bit(map::events_started()), Location::caller());
    }

    fn firmware<B: Board>(&self, board: B) {
        self.device.serve(board, self.pace);
    }

    fn host(&self, host: Host) -> Script {
        Box::pin((self.script)(host))
    }
}

/// Runs `script` against `device` on every schedule of this suite, each of which must be sound.
///
/// # Panics
///
/// If one is not: with the end of its timeline, where it can be run again.
pub fn passes<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    passes_on_schedules(device, &script);
    passes_on_threads(device, script);
}

/// Runs `script` against `device` on every schedule but threads: for scripts that know what the device has done from an
/// endpoint that is answered NAK until nobody can go on.
///
/// # Panics
///
/// As [`passes`].
pub fn passes_on_schedules<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = &mut Conversation { device, pace: Pace::Polls, script };
    for pace in [Pace::Polls, Pace::Sleeps] {
        conversation.pace = pace;
        expect_sound(conversation, "immediate", || Immediate);
        for seed in 0..SEEDS {
            expect_sound(conversation, &format!("seed {seed}"), || Paced::new(seed));
        }
    }
}

/// Runs `script` against `device` on some schedules, each of which must end with an assertion or a deadlock that `says`
/// this.
///
/// # Panics
///
/// If one does not: what was known to fail does not any more, or in another way.
pub fn fails<S, R>(device: Device, script: S, says: &str)
where
    S: Fn(Host) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = Conversation { device, pace: Pace::Polls, script };
    for seed in 0..SEEDS_OF_FAILURES {
        let verdict = stepped::run(&conversation, &Rc::new(RefCell::new(Paced::new(seed))), None).verdict;
        let (Verdict::Assertion { message, .. } | Verdict::Deadlock { message, .. }) = &verdict else {
            panic!("{device:?}, seed {seed}, is known to fail with \"{says}\": {verdict}");
        };
        assert!(message.contains(says), "{device:?}, seed {seed}, is known to fail with \"{says}\": {verdict}");
    }
}

/// Runs `script` against `device` on threads, once at each pace.
///
/// # Panics
///
/// If that is not sound.
pub fn passes_on_threads<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R + Sync,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = &mut Conversation { device, pace: Pace::Polls, script };
    for pace in [Pace::Polls, Pace::Sleeps] {
        conversation.pace = pace;
        let verdict = threads::run(conversation, None).verdict;
        assert_eq!(verdict.kind(), Kind::Sound, "{device:?} {pace:?}, threads: {verdict}");
    }
}

/// Runs `conversation` on the schedule of a scheduler; once more, with a trace, if it is not sound.
fn expect_sound<S, R, D>(conversation: &Conversation<S>, schedule: &str, scheduler: impl Fn() -> D)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
    D: Scheduler + 'static,
{
    let run = |keep| stepped::run(conversation, &Rc::new(RefCell::new(scheduler())), Some(keep));
    if run(Keep::Nothing).verdict.kind() == Kind::Sound {
        return;
    }
    let Run { verdict, trace, .. } = run(Keep::Order);
    let timeline = anstream::adapter::strip_str(&timeline::render(&trace)).to_string();
    let lines: Vec<_> = timeline.lines().collect();
    let end = lines[lines.len().saturating_sub(TIMELINE_LINES)..].join("\n");
    panic!("{:?} {:?}, {schedule}: {verdict}\n{end}", conversation.device, conversation.pace);
}
