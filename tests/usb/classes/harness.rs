//! A script against a device: who runs it, and on which schedules.

use std::cell::RefCell;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use sim_core::explore::scheduler::{Immediate, Scheduler};
use sim_core::explore::stepped::{self, Run};
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, timeline};
use tests::pace::Paced;

use crate::classes::devices::{Device, Pace};

/// How many random schedules each script runs on, at each pace.
const SEEDS: u32 = 30;

/// How many of them something runs on that is known to fail.
const SEEDS_OF_FAILURES: u32 = 5;

/// How many lines of the timeline a failure shows: the last.
const TIMELINE_LINES: usize = 60;

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
