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
//! A program with a quirk ([`quirks`](crate::quirks)) is not run: its verdict is [`Verdict::Inconclusive`].
//!
//! Threads run as the system schedules them: one run shows one interleaving, and no two are alike. To try them all,
//! use [`stepped`](super::stepped).

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Program, Stopped, Verdict, quiet, quietly, unwind};
use crate::host::{Host, HostError, PATIENCE_MS};
use crate::monitor::Violation;
use crate::soc::Soc;
use crate::trace::{Keep, Trace};

mod bus;
mod engine;
mod waiting;
mod wire;

pub use bus::Bus;
use wire::ThreadsWire;

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
    /// How often the firmware has looked since the last change (`Shared::look`). Who changes something writes 0, under
    /// the lock; who reads it without the lock looks again.
    looks: AtomicU32,
}

impl Shared {
    fn new(soc: Soc) -> Self {
        Self {
            soc: Mutex::new(soc),
            changed: Condvar::new(),
            news: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            host_is_done: AtomicBool::new(false),
            firmware_is_done: AtomicBool::new(false),
            firmware_is_asleep: AtomicBool::new(false),
            looks: AtomicU32::new(0),
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

/// How a run ended before its end, but for a violation.
struct Deadlock(String);

/// One run.
///
/// See [`run`] for an example.
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
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::{Kind, threads};
/// # use sim_core::machine::Fences;
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let run = threads::run(&program, None);
/// assert_eq!(run.verdict.kind(), Kind::Sound, "this one run was");
/// ```
pub fn run<P: Program + Sync>(program: &P, keep: Option<Keep>) -> Run {
    let mut config = program.config();
    config.keep = keep.unwrap_or(config.keep);
    if let Some(verdict) = config.quirks.refusal() {
        return Run { verdict, trace: Trace::new(config.keep), violations: Vec::new() };
    }
    let mut soc = Soc::new(config);
    program.prepare(&mut soc);
    let shared = Arc::new(Shared::new(soc));
    let (result, host) = thread::scope(|scope| {
        let host = scope.spawn(|| {
            let outcome = quietly(|| block_on(program.host(Host::new(Rc::new(ThreadsWire::new(&shared))))));
            shared.set(&shared.host_is_done);
            outcome
        });
        scope.spawn(|| shared.engine());
        let result = quietly(|| program.firmware(Bus::new(&shared)));
        shared.set(&shared.firmware_is_done);
        (result, host.join().expect("the host's panic was caught in its thread"))
    });
    let soc = std::mem::replace(&mut *shared.soc.lock(), Soc::new(config));
    // A panic that nobody has caught is the verdict, whatever its destructors did.
    let is_panic = result.as_ref().is_err_and(|payload| !payload.is::<Stopped>() && !payload.is::<Deadlock>());
    let is_aftermath = is_panic && soc.is_broken_while_unwinding();
    let stop = soc.stop().filter(|_| !is_aftermath).map(|(violation, _)| violation.clone());
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
