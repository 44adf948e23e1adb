//! A script against a device: who runs it, and on which schedules.
//!
//! The chip is the newest silicon, but for erratum 199, whose workaround no driver here has (`findings`). What a driver
//! does to every host ([`Device::always_breaks`]) is done as silicon does it. All other rules end a run.
//!
//! That a device works is shown with a host that lets its CPU keep pace ([`HOST_STEPS`]). What becomes of a driver that
//! is late, or whose host is quick, random schedules show: `findings`.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use sim_core::device::usbd::{Errata, Erratum, Options, Revision};
use sim_core::explore::by_address::Gaps;
use sim_core::explore::scheduler::{Scheduler, Timed, Timing};
use sim_core::explore::stepped::{self, Bus, Run};
use sim_core::explore::{Kind, ProgramOn, Verdict};
use sim_core::host::{Host, HostError, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, timeline};

use tests::pace::Paced;

use crate::devices::{self, Device};

/// What a step of the host takes, in register accesses of the CPU: a schedule each. A transaction of full speed takes
/// about 10 us, and a driver at 64 MHz makes some hundred accesses in that time.
const HOST_STEPS: [u64; 5] = [150, 211, 307, 600, 1500];

/// How many random schedules an exploration tries.
const SEEDS: u32 = 40;

/// How many lines of the timeline a failure shows: the last.
const TIMELINE_LINES: usize = 60;

/// A device, and what the host does with it.
pub struct Conversation<S> {
    pub device: Device,
    pub script: S,
    pub options: Options,
    pub policies: Policies,
    pub gaps: Gaps,
}

impl<S, R> Conversation<S>
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    /// On this suite's chip, with its policies.
    pub fn new(device: Device, script: S) -> Self {
        let errata = Errata::of(Revision::NEWEST).without(Erratum::E199);
        let silicon = |policies: Policies, rule: &Rule| policies.with(*rule, Policy::Silicon);
        let policies = device.always_breaks().iter().fold(Policies::default(), silicon);
        let options = Options { errata, ..Options::default() };
        Self { device, script, options, policies, gaps: Gaps::default() }
    }

    /// One run. What the device asks of the chip has to be there.
    pub fn run(&self, scheduler: impl Scheduler + 'static, keep: Keep) -> Run {
        let run = stepped::run(self, &Rc::new(RefCell::new(scheduler)), Some(keep));
        assert!(self.gaps.list().into_iter().all(|(gap, _)| devices::is_known(gap)), "{}", self.gaps);
        run
    }
}

impl<S, R> ProgramOn<Bus> for Conversation<S>
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    fn name(&self) -> String {
        let thread = std::thread::current();
        format!("published-{:?}-{}", self.device, thread.name().unwrap_or_default())
    }

    fn config(&self) -> Config {
        Config { options: self.options, policies: self.policies, ..Config::default() }
    }

    fn prepare(&self, _soc: &mut Soc) {}

    fn firmware(&self, board: Bus) {
        self.device.serve(&board, &self.gaps);
    }

    fn host(&self, host: Host) -> Script {
        Box::pin((self.script)(host))
    }
}

/// Runs `script` against `device` on every schedule of this suite, each of which must be sound.
///
/// # Panics
///
/// If one is not: with the end of the timeline.
pub fn passes<S, R>(device: Device, script: S)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = Conversation::new(device, script);
    for host in HOST_STEPS {
        expect_sound(&conversation, &format!("{host} accesses a step of the host"), || keeps_pace(host));
    }
}

/// The schedule with a step of the host in so many register accesses.
pub fn keeps_pace(host: u64) -> Timed {
    Timed::new(Timing { host, ..Timing::default() })
}

/// Runs `script` against `device` on the schedules of this suite: one at least must fail, and each that does must say
/// one of these.
///
/// # Panics
///
/// If that is not so.
pub fn fails<S, R>(device: Device, script: S, says: &[&str])
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let conversation = Conversation::new(device, script);
    let run = |host: &u64| conversation.run(keeps_pace(*host), Keep::Nothing).verdict;
    let mut verdicts: Vec<_> = HOST_STEPS.iter().map(run).collect();
    verdicts.retain(|verdict| verdict.kind() != Kind::Sound);
    assert!(!verdicts.is_empty(), "{device:?} passes, and is known to fail with {says:?}");
    for verdict in verdicts {
        let is_known = says.iter().any(|says| is_failure(&verdict, says));
        assert!(is_known, "{device:?} is known to fail with {says:?}: {verdict}");
    }
}

/// Explores the conversation by random schedules until one is not sound, and brings that back by its replay string.
///
/// # Panics
///
/// If all are sound, or if the string brings something else.
pub fn find<S, R>(conversation: &Conversation<S>) -> Run
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    let mut verdicts = (0..SEEDS).map(|seed| conversation.run(Paced::new(seed), Keep::Nothing).verdict);
    let failed = verdicts.find(|verdict| verdict.kind() != Kind::Sound);
    let failed = failed.unwrap_or_else(|| panic!("{}: nothing is found", conversation.name()));
    let recording = failed.replay().expect("it can be replayed").parse().expect("it is a recording");
    let again = stepped::replay(conversation, &recording).expect("the same program");
    assert_eq!(again.verdict, failed);
    println!("{failed}");
    again
}

/// The same schedules, each of which must be sound.
///
/// # Panics
///
/// If one is not: with the end of the timeline.
pub fn finds_nothing<S, R>(conversation: &Conversation<S>)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
{
    (0..SEEDS).for_each(|seed| expect_sound(conversation, &format!("seed {seed}"), || Paced::new(seed)));
}

fn is_failure(verdict: &Verdict, says: &str) -> bool {
    match verdict {
        Verdict::Assertion { message, .. } | Verdict::Deadlock { message, .. } => message.contains(says),
        Verdict::Violation(found) => found.violation.misuse.rule.to_string() == says,
        _ => false,
    }
}

/// Runs the conversation on the schedule of a scheduler; once more, with a trace, if it is not sound.
fn expect_sound<S, R, D>(conversation: &Conversation<S>, schedule: &str, scheduler: impl Fn() -> D)
where
    S: Fn(Host) -> R,
    R: Future<Output = Result<(), HostError>> + 'static,
    D: Scheduler + 'static,
{
    if conversation.run(scheduler(), Keep::Nothing).verdict.kind() == Kind::Sound {
        return;
    }
    let Run { verdict, trace, .. } = conversation.run(scheduler(), Keep::Order);
    let timeline = anstream::adapter::strip_str(&timeline::render(&trace)).to_string();
    let lines: Vec<_> = timeline.lines().collect();
    let end = lines[lines.len().saturating_sub(TIMELINE_LINES)..].join("\n");
    panic!("{}, {schedule}: {verdict}\n{end}", conversation.name());
}
