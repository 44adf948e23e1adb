//! What happens when a rule is broken: four policies, under each explorer.
//!
//! That every rule obeys them, on every schedule, is in `rules`.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use sim_core::check::programs::begin_control_read;
use sim_core::device::usbd::Options;
use sim_core::explore::model::{self, Packets};
use sim_core::explore::scheduler::{Choice, Immediate, Scheduler};
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policies, Policy, Rule, Site};
use sim_core::soc::{Config, Soc};

/// Firmware that sends a packet of no bytes, and breaks two rules: one itself, the other by a shortcut, which moves an
/// OUT packet that is not there when the host has taken the IN packet.
#[derive(Clone, Copy, Debug)]
struct BreaksTwo {
    policies: Policies,
    /// It returns before the host has taken the packet.
    returns: bool,
}

/// The rule that the CPU breaks.
const FIRST: Rule = Rule::UnknownRegister;

/// The rule that is broken by what the host does, later.
const SECOND: Rule = Rule::StartWithoutPacket;

impl BreaksTwo {
    fn new(first: Policy, second: Policy) -> Self {
        Self { policies: Policies::all(Policy::Stop).with(FIRST, first).with(SECOND, second), returns: false }
    }
}

#[track_caller]
fn write<B: Board>(board: &B, offset: u16, value: u32) {
    // SAFETY:
    // - The transfers that this starts touch no memory: each MAXCNT is 0.
    unsafe { board.write(offset, value) };
}

impl Program for BreaksTwo {
    fn name(&self) -> String {
        "breaks-two".to_owned()
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), policies: self.policies, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        board.read(0x060); // the first mistake
        write(&board, map::epin_maxcnt(0), 0);
        write(&board, map::epout_maxcnt(0), 0);
        write(&board, map::shorts(), map::shorts::EP0DATADONE_STARTEPOUT0.mask());
        write(&board, map::tasks_startepin(0), 1); // the start
        if self.returns {
            return;
        }
        while board.read(map::events_ep0datadone()) == 0 {} // the poll
        write(&board, map::shorts(), 0);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.packet_in(true).await.map(drop) })
    }
}

impl Packets for BreaksTwo {
    fn packets(&self) -> usize {
        1
    }
}

/// What each explorer says, and what the two that have a list have noted.
fn run(first: Policy, second: Policy) -> Vec<(&'static str, Verdict, Option<Vec<Rule>>)> {
    let program = BreaksTwo::new(first, second);
    let rules = |violations: Vec<sim_core::monitor::Violation>| {
        Some(violations.iter().map(|violation| violation.misuse.rule).collect())
    };
    let stepped = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    let threads = threads::run(&program, None);
    let model = model::check(&program, model::Limits::default());
    vec![
        ("stepped", stepped.verdict, rules(stepped.violations)),
        ("threads", threads.verdict, rules(threads.violations)),
        ("model", model, None),
    ]
}

#[track_caller]
fn expect(first: Policy, second: Policy, kind: Kind, noted: &[Rule]) {
    for (explorer, verdict, rules) in run(first, second) {
        assert_eq!(verdict.kind(), kind, "{explorer}, {first:?}, {second:?}: {verdict}");
        assert!(rules.as_deref().is_none_or(|rules| rules == noted), "{explorer}, {first:?}, {second:?}: {rules:?}");
    }
}

#[test]
fn run_ends_at_the_first_rule_whose_policy_is_to_stop_or_to_panic() {
    for ends in [Policy::Stop, Policy::Panic] {
        for other in [Policy::Stop, Policy::Panic, Policy::Collect, Policy::Silicon] {
            expect(ends, other, Kind::Violation(FIRST), &[FIRST]);
        }
        expect(Policy::Silicon, ends, Kind::Violation(SECOND), &[SECOND]);
        expect(Policy::Collect, ends, Kind::Violation(SECOND), &[FIRST, SECOND]);
    }
}

#[test]
fn run_goes_on_as_silicon_does_where_no_policy_ends_it() {
    expect(Policy::Silicon, Policy::Silicon, Kind::Sound, &[]);
    expect(Policy::Silicon, Policy::Collect, Kind::Sound, &[SECOND]);
    expect(Policy::Collect, Policy::Silicon, Kind::Sound, &[FIRST]);
    expect(Policy::Collect, Policy::Collect, Kind::Sound, &[FIRST, SECOND]);
}

#[test]
fn panic_policy_keeps_the_site_and_the_replay_string() {
    for (first, site) in [(Policy::Panic, None), (Policy::Silicon, Some(Site::Host { endpoint: 0 }))] {
        let program = BreaksTwo::new(first, Policy::Panic);
        let Verdict::Violation(found) = stepped::explore(&program, stepped::Limits::default()).verdict else {
            panic!("no rule is broken");
        };
        assert!(site.is_none_or(|site| found.violation.site == site), "{}", found.violation);
        let recording = found.violation.replay.clone().expect("the stepped explorer can replay");
        let again = stepped::replay(&program, &recording.parse().expect("it was printed just now"));
        assert_eq!(again.expect("it is the same program").verdict, Verdict::Violation(found));
    }
}

/// The number of the line of this file that ends with this comment.
fn line(comment: &str) -> usize {
    let is_it = |line: &str| line.trim_end().ends_with(&format!("// {comment}"));
    1 + include_str!("policies.rs").lines().position(is_it).expect("it stands above")
}

/// The CPU goes on for as long as it can.
#[derive(Debug)]
struct CpuFirst;

impl Scheduler for CpuFirst {
    fn choose(&mut self, _: Choice, _: &dyn Fn() -> u64) -> usize {
        0
    }
}

/// The child of the tests below: one run, by an explorer and with policies that the environment names.
#[test]
#[ignore = "a child of other tests: it panics aloud"]
fn child() {
    let Ok(explorer) = std::env::var("EXPLORER") else {
        return println!("without a parent it does nothing");
    };
    let variable = |name| std::env::var(name).expect("its parent has set it");
    let policy = |text: &str| match text {
        "panic" => Policy::Panic,
        "stop" => Policy::Stop,
        _ => Policy::Silicon,
    };
    let program = BreaksTwo::new(policy(&variable("FIRST")), policy(&variable("SECOND")));
    let verdict = match explorer.as_str() {
        "stepped" => stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None).verdict,
        "threads" => threads::run(&program, None).verdict,
        "model" => model::check(&program, model::Limits::default()),
        _ => {
            let program = BreaksTwo { returns: true, ..program };
            stepped::run(&program, &Rc::new(RefCell::new(CpuFirst)), None).verdict
        }
    };
    // It was caught: the test goes on, and passes.
    assert!(matches!(verdict, Verdict::Violation(_)), "{verdict}");
}

/// What the child has printed to standard error.
fn run_child(explorer: &str, first: &str, second: &str) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this test runs"));
    child.args(["--ignored", "--exact", "policies::child", "--nocapture", "--test-threads=1"]);
    child.envs([("EXPLORER", explorer), ("FIRST", first), ("SECOND", second), ("RUST_BACKTRACE", "1")]);
    let output = child.output().expect("this test runs, so it can run again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child has a name");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn panic_names_the_drivers_line_and_the_way_there_under_each_explorer() {
    for explorer in ["stepped", "threads", "model"] {
        let said = run_child(explorer, "panic", "panic");
        let place = format!("policies.rs:{}:", line("the first mistake"));
        assert!(said.contains(&place) && said.contains("UnknownRegister: there is no register"), "{explorer}: {said}");
        assert!(said.contains("BreaksTwo as sim_core::explore::program::Program>::firmware"), "{explorer}: {said}");
    }
}

#[test]
fn panic_about_the_hosts_doing_comes_at_the_access_that_finds_it() {
    for explorer in ["stepped", "threads", "model"] {
        let said = run_child(explorer, "silicon", "panic");
        assert!(said.contains("StartWithoutPacket: ") && said.contains("host: a token to endpoint 0"), "{said}");
        // The host may be so fast that the start has not returned.
        let mut places = [line("the start"), line("the poll")].map(|line| format!("policies.rs:{line}:")).into_iter();
        assert!(places.any(|place| said.contains(&place)), "{explorer}: {said}");
    }
}

#[test]
fn panic_needs_a_driver_that_goes_on() {
    // The verdict is the violation all the same: the child asserts it.
    let said = run_child("stepped, and the CPU has returned when the host comes", "silicon", "panic");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn stop_says_nothing_before_its_verdict() {
    for explorer in ["stepped", "threads", "model"] {
        for (first, second) in [("stop", "panic"), ("silicon", "stop")] {
            let said = run_child(explorer, first, second);
            assert!(!said.contains("panicked"), "{explorer}: {said}");
        }
    }
}

/// A handler that clears nothing, in a firmware that sends a packet of no bytes.
#[derive(Clone, Debug)]
struct Storms(Policy);

impl Program for Storms {
    fn name(&self) -> String {
        "storms".to_owned()
    }

    fn config(&self) -> Config {
        Config { policies: self.0.into(), ..BreaksTwo::new(self.0, self.0).config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        write(&board, map::inten(), map::inten::ENDEPIN0.mask());
        write(&board, map::epin_maxcnt(0), 0);
        write(&board, map::tasks_startepin(0), 1);
        board.with_interrupt(|| {}, || board.wait_for_interrupt());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.packet_in(true).await.map(drop) })
    }
}

impl Packets for Storms {
    fn packets(&self) -> usize {
        1
    }
}

/// Threads have theirs in `tests/interrupts`.
#[test]
fn storm_that_does_not_end_the_run_is_a_deadlock_in_the_model_and_stepped() {
    let storm = Kind::Violation(Rule::InterruptStorm);
    for (policy, expected) in [
        (Policy::Stop, storm),
        (Policy::Panic, storm),
        (Policy::Collect, Kind::Deadlock),
        (Policy::Silicon, Kind::Deadlock),
    ] {
        let model = model::check(&Storms(policy), model::Limits::default());
        let stepped = stepped::explore(&Storms(policy), stepped::Limits::default()).verdict;
        for verdict in [model, stepped] {
            assert_eq!(verdict.kind(), expected, "{policy:?}: {verdict}");
            assert!(verdict.to_string().contains("returned with EVENTS_ENDEPIN[0] set"), "{verdict}");
        }
    }
}
