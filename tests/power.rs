//! Power-up with the cable on every schedule: VBUS, ENABLE, READY, HFXO, the regulator, the pull-up, and back.
//!
//! | module | what it has |
//! |---|---|
//! | `cable` | the device, its firmware, and what a host does with the cable |
//! | `by_hand` | a driver that makes one mistake |
//! | `registers` | POWER and CLOCK as polls and choices, without a controller |

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policy, Rule};
use sim_core::soc::Config;
use sim_core::trace::{Keep, timeline};

#[path = "power/by_hand.rs"]
mod by_hand;
#[path = "power/cable.rs"]
mod cable;
#[path = "power/registers.rs"]
mod registers;

use by_hand::Wrong;
use cable::{Cable, Does};

#[test]
fn power_up_is_sound_on_every_schedule() {
    for does in [Does::Reads, Does::PlugsIn, Does::Wiggles, Does::PullsInMidTransfer, Does::EnumeratesTwice] {
        let verdict = Cable::new(Wrong::Nothing, does).explore();
        assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    }
}

#[test]
fn verdict_without_memory_of_states_is_the_same() {
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    for wrong in [Wrong::Nothing, Wrong::ClockNotAwaited, Wrong::NoPowerReady] {
        let program = Cable::new(wrong, Does::Resets);
        let (with, without) = (program.explore(), stepped::explore(&program, limits).verdict);
        println!("{wrong:?}, without: {without}");
        assert_eq!(with.kind(), without.kind(), "{with}; {without}");
    }
}

/// Expects that the firmware which gets this wrong breaks this rule.
#[track_caller]
fn assert_breaks(program: &Cable, rule: Rule) {
    let verdict = program.explore();
    assert_eq!(verdict.kind(), Kind::Violation(rule), "{:?}: {verdict}", program.wrong);
}

#[test]
fn pull_up_without_the_crystal_is_found() {
    for wrong in [Wrong::NoClock, Wrong::ClockNotAwaited, Wrong::AnyOscillator] {
        assert_breaks(&Cable::new(wrong, Does::Reads), Rule::PullUpWithoutClock);
    }
}

#[test]
fn pull_up_before_the_regulator_has_settled_is_found() {
    assert_breaks(&Cable::new(Wrong::NoPowerReady, Does::Reads), Rule::PullUpBeforePowerReady);
    assert_breaks(&Cable::new(Wrong::StaleEvent, Does::Wiggles), Rule::PullUpBeforePowerReady);
    // Without a second power-up the event of before does not matter.
    let verdict = Cable::new(Wrong::StaleEvent, Does::Reads).explore();
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn power_up_without_vbus_is_found() {
    assert_breaks(&Cable::new(Wrong::NoVbus, Does::PlugsIn), Rule::EnableWithoutVbus);
}

/// Expects that the device is never seen again.
#[track_caller]
fn assert_is_missed(program: &Cable) {
    let Verdict::Deadlock { message, .. } = program.explore() else {
        panic!("{:?}: the host finds a device", program.wrong);
    };
    assert!(message.contains("no device"), "{message}");
}

#[test]
fn device_that_misses_the_cable_is_missed_by_the_host() {
    assert_is_missed(&Cable::new(Wrong::EventOnly, Does::Reads));
    let verdict = Cable::new(Wrong::EventOnly, Does::PlugsIn).explore();
    assert_eq!(verdict.kind(), Kind::Sound, "where there is an event: {verdict}");
    assert_is_missed(&Cable::new(Wrong::ComesUpOnce, Does::PullsInMidTransfer));
}

/// The same firmware, as silicon would have it: nobody reports it, and it does not work.
#[test]
fn device_without_the_crystal_answers_no_host() {
    let program = Cable { policy: Policy::Collect, ..Cable::new(Wrong::NoClock, Does::Reads) };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    let Verdict::Assertion { message, .. } = &run.verdict else {
        panic!("{}", run.verdict);
    };
    assert!(message.contains("SETUP") && message.contains("3 tries"), "{message}");
    assert_eq!(run.violations.first().map(|violation| violation.misuse.rule), Some(Rule::PullUpWithoutClock));
}

#[test]
fn immediate_and_seeded_schedules_and_threads_are_sound() {
    let program = Cable::new(Wrong::Nothing, Does::EnumeratesTwice);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "immediate: {}", run.verdict);
    for seed in 0..50 {
        let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
    }
    let run = threads::run(&program, None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
}

#[test]
fn power_up_is_in_the_trace_in_its_order() {
    let program = Cable::new(Wrong::Nothing, Does::PlugsIn);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(1))), Some(Keep::Order));
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    let text = timeline::render(&run.trace);
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing: {text}"));
    let order = ["plugged in", "POWER.USBREGSTATUS -> 0x1", "ENABLE <- 0x1", "CLOCK.TASKS_HFCLKSTART <- 0x1"];
    assert!(order.map(place).is_sorted(), "{text}");
    for before in ["READY", "HFXO runs", "the USB regulator has settled"] {
        assert!(place(before) < place("USBPULLUP <- 0x1"), "{before}: {text}");
    }
}

#[test]
fn driver_works_where_vbus_and_crystal_are_always_there() {
    struct Always(Cable);
    impl Program for Always {
        fn name(&self) -> String {
            "always".to_owned()
        }

        fn config(&self) -> Config {
            Config::default()
        }

        fn firmware<B: Board>(&self, board: B) {
            self.0.firmware(board);
        }

        fn host(&self, host: Host) -> Script {
            self.0.host(host)
        }
    }
    let program = Always(Cable::new(Wrong::Nothing, Does::Reads));
    let exploration = stepped::explore(&program, Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
}
