//! loom: every ordering that the fences of driver and device allow.
//!
//! The driver and the chip are the real ones. Two loom threads run them: the *CPU* thread the driver, the *device*
//! thread the engine and a [`host`]. What loom sees of it:
//!
//! | what | is in loom | because |
//! |---|---|---|
//! | the chip | a lock that loom does not know | a loom mutex would order what only a fence may order |
//! | START, seen by the device | `to_device`: a count of transfers | written relaxed: it orders no memory |
//! | END, and what the host does, seen by the driver | `to_cpu`: a count of actions | likewise |
//! | PTR, MAXCNT, clearing of events | nothing | the device sees them through the captured job only |
//! | the buffers | two [`cell::Shadow`]s each, for its halves | accessed where ownership changes hands: `release`, the copy, `acquire` |
//!
//! # In-order registers without ordering for memory
//!
//! An action of the device (END, the packet taken) takes effect on the chip when the driver's register read has seen
//! its count, and in the order of counts. So the driver finds registers as a bus would show them, each change after
//! the one before, while nothing but its fences orders its memory accesses.
//!
//! Of an STM32F103 the device thread does a transfer at once, and of a circular one a half; its items, flags and CNDTR
//! take effect together. A channel that is stopped has done all of a transfer, or nothing; a read of a register of its
//! controller waits for what it has done. Each half of a buffer has a shadow. A channel that sends for ever begins a
//! half again once the driver has filled it, and written a register: it is never faster than the driver, as it is in
//! `stepped`.
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
//! # Cache, quirks
//!
//! A system with a data cache ([`Config::cache`](crate::soc::Config::cache)) is inconclusive here: loom's memory has
//! orders, and no lines. So is one with a quirk ([`quirks`](crate::quirks)). Neither is run.
//!
//! # Power
//!
//! Nothing powers up here, and nothing of a [`Supply::Modelled`](crate::device::usbd::Supply) comes: a program prepares
//! it.
//!
//! # Without an end
//!
//! An execution ends at a limit of switch points at the latest. If both sides have looked for news for long by then,
//! and nobody has had any, that is a deadlock: the driver polls for what never comes, or the device waits for a start
//! that never comes. If they go on and on, it may be a livelock, or the limit may be too low, and the verdict is
//! inconclusive. Either says where both sides are.
//!
//! Not seen: load buffering between registers; more than one device thread; a lost wake-up, since the handler runs at
//! looks only. The shapes of the literature one by one, and which of them are seen: [`litmus`].

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Plain};
use std::time::{Duration, Instant};

use super::progress::Progress;
use super::{ProgramOn, Verdict, quietly};
use crate::device::Chip;
use crate::monitor::Violation;

mod bus;
pub mod cell;
mod device;
pub mod fence;
pub mod host;
pub mod litmus;
pub mod location;
mod sides;
mod verdict;

pub use bus::Bus;
use device::{Shared, lock};
use host::{Act, Step};
use sides::Witness;
use verdict::judge;

/// How much a model may take.
///
/// See [`check`] for an example.
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

/// How many threads loom has room for, with the one that it starts with.
const THREADS: usize = 5;

/// What loom's message of a deadlock begins with, and ours.
const DEADLOCK: &str = "deadlock";

/// Programs that loom can run: the host takes each packet that the driver sends, and does nothing else, unless
/// [`steps`](Self::steps) say so. On an STM32F103 the peer sends a frame for each item that a channel is to receive.
///
/// See [`check`] for an example.
pub trait Packets: ProgramOn<Bus> + Clone + Send + Sync + 'static {
    /// How many transfers the driver starts: the device thread does as many, and ends. On an STM32F103 a circular one
    /// counts as two, a turn for each half of its first lap, and one for each half that is filled; what sends for ever
    /// is the last that it starts.
    fn packets(&self) -> usize;

    /// The endpoint from which the host takes each packet.
    fn endpoint(&self) -> u8 {
        0
    }

    /// What the device thread does, with a transfer for each of [`packets`](Self::packets).
    fn steps(&self) -> Vec<Step> {
        let acts = match self.config().chip {
            Chip::Nrf52840 => vec![Act::takes(self.endpoint())],
            Chip::Stm32f103 => Vec::new(),
        };
        vec![Step::transfer(acts); self.packets()]
    }
}

/// What one execution leaves behind, for the verdict.
#[derive(Default)]
struct Evidence {
    executions: AtomicU64,
    complete: AtomicU64,
    limit: Mutex<Option<String>>,
    violation: Mutex<Option<Violation>>,
    /// The firmware of this execution has returned.
    returned: AtomicBool,
    /// Where both sides were when the execution was left.
    sides: Mutex<Option<String>>,
}

/// Explores `program` with loom.
///
/// A program without a packet, and one that loom can show nothing of, is [`Verdict::Vacuous`].
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::Kind;
/// # use sim_core::explore::model::{Limits, check};
/// # use sim_core::machine::{Fences, Machine};
/// let m4 = Fences::right(Machine::CortexM4);
/// let m7 = Fences { machine: Machine::CortexM7, ..m4 };
/// for (fences, expected) in [(m4, Kind::Sound), (m7, Kind::Race)] {
///     let program = BackToBack { packets: 1, length: 2, fences };
///     assert_eq!(check(&program, Limits::default()).kind(), expected);
/// }
/// ```
pub fn check<P: Packets>(program: &P, limits: Limits) -> Verdict {
    check_with(program, limits, &Progress::SILENT)
}

/// As [`check`], telling of its progress.
///
/// See [`check`] for an example.
pub fn check_with<P: Packets>(program: &P, limits: Limits, progress: &Progress) -> Verdict {
    if program.config().cache.is_some() {
        let message = "the system has a data cache, of which loom knows nothing: explore it with `stepped`".to_owned();
        return Verdict::Inconclusive { message, executions: 0 };
    }
    if let Some(refusal) = program.config().quirks.refusal() {
        return refusal;
    }
    let evidence = Arc::new(Evidence::default());
    let (body_evidence, body_program) = (evidence.clone(), program.clone());
    let verdict = search(limits, &evidence, progress, move || execute(&body_program, &body_evidence));
    match verdict {
        Verdict::Sound { executions, .. } if program.packets() == 0 => {
            let message = "the model has no packet: nothing was done in parallel to the firmware".to_owned();
            Verdict::Vacuous { message, executions }
        }
        verdict => verdict,
    }
}

/// Explores `body`, which spawns what loom threads it likes and accesses what stands in this module's submodules.
///
/// Every execution that returns is complete. There is room for four threads besides the one that `body` runs on; one
/// more is [`Verdict::Inconclusive`].
///
/// ```
/// # use std::sync::Arc;
/// # use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// # use sim_core::explore::Kind;
/// # use sim_core::explore::model::{Limits, explore};
/// let verdict = explore(Limits::default(), || {
///     let count = Arc::new(AtomicUsize::new(0));
///     let other = count.clone();
///     let thread = loom::thread::spawn(move || other.fetch_add(1, Relaxed));
///     count.fetch_add(1, Relaxed);
///     thread.join().unwrap();
///     assert_eq!(count.load(Relaxed), 2);
/// });
/// assert_eq!(verdict.kind(), Kind::Sound);
/// ```
pub fn explore(limits: Limits, body: impl Fn() + Send + Sync + 'static) -> Verdict {
    let evidence = Arc::new(Evidence::default());
    let body_evidence = evidence.clone();
    search(limits, &evidence, &Progress::SILENT, move || {
        body();
        body_evidence.complete.fetch_add(1, Plain::Relaxed);
    })
}

/// Has loom run `body` in every way, and judges what it leaves in `evidence`.
fn search(
    limits: Limits,
    evidence: &Arc<Evidence>,
    progress: &Progress,
    body: impl Fn() + Send + Sync + 'static,
) -> Verdict {
    let (body_evidence, progress) = (evidence.clone(), progress.clone());
    let started = Instant::now();
    let body = move || {
        let evidence = &body_evidence;
        let count = evidence.executions.fetch_add(1, Plain::Relaxed) + 1;
        progress.tell(count);
        if count > limits.executions || started.elapsed() > limits.time {
            let limit = format!("the limit of {} executions or {:?} was hit", limits.executions, limits.time);
            *lock(&evidence.limit) = Some(limit);
            panic!("a limit was hit");
        }
        fence::begin(limits.releases);
        location::begin();
        body();
    };
    cell::forget();
    let result = quietly(|| builder(limits).check(body));
    judge(result, evidence, limits)
}

/// One execution.
fn execute<P: Packets>(program: &P, evidence: &Arc<Evidence>) {
    let shared = Arc::new(Shared::new(program, evidence.clone()));
    evidence.returned.store(false, Plain::Relaxed);
    let witness = Arc::new(Witness { shared: shared.clone(), evidence: evidence.clone(), packets: program.packets() });
    let (cpu, firmware) = (witness.clone(), program.clone());
    // The driver runs on a thread that has a real stack: the one that loom starts with has 32 KiB, enough for the
    // device. A third thread, only to wait for both, would treble the executions.
    let cpu = loom::thread::Builder::new()
        .stack_size(0x2_0000)
        .spawn(move || {
            let _seen = cpu.watch();
            firmware.firmware(Bus::new(&cpu.shared));
            // What the device did at the driver's last look.
            cpu.shared.stop_at_violation();
            cpu.evidence.returned.store(true, Plain::Relaxed);
        })
        .expect("loom has room for this thread: it has no other");
    let _seen = witness.watch();
    shared.device();
    let joined = cpu.join().is_ok();
    // A driver that gives up before it has seen the end shows nothing about what comes after.
    if joined && shared.has_all_news() {
        evidence.complete.fetch_add(1, Plain::Relaxed);
    }
}

/// A search with every field set: what the environment says must not change a verdict.
pub(crate) fn builder(limits: Limits) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = THREADS;
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
