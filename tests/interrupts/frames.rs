//! A handler for SOF: what clears its event, what does not, what sleeps.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use sim_core::explore::replay::Recording;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policy, Rule};
use sim_core::soc::{Config, Soc};
use sim_core::trace::timeline;

use crate::{clear, expect_sound, explore, message, prepare_frames};

/// What a handler does about SOF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFrame {
    Clears,
    ClearsNothing,
    Sleeps,
}

/// Firmware whose main program waits, in a loop of critical sections, until its handler has run.
struct Frames(OnFrame, Policy);

impl Program for Frames {
    fn name(&self) -> String {
        format!("frames:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config { policies: self.1.into(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare_frames(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let seen = Rc::new(Cell::new(false));
        let (bus, in_handler, on_frame) = (board.clone(), seen.clone(), self.0);
        let handler = move || {
            assert_eq!(bus.read(map::events_sof()), 1, "the line is a level");
            in_handler.set(true);
            match on_frame {
                OnFrame::Clears => clear(&bus, map::events_sof()),
                OnFrame::ClearsNothing => {}
                OnFrame::Sleeps => bus.wait_for_interrupt(),
            }
        };
        board.with_interrupt(handler, || while !board.critical_section(|| seen.get()) {});
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(2).await })
    }
}

#[test]
fn handler_that_clears_its_event_is_sound_and_seen_by_a_loop_of_critical_sections() {
    expect_sound(&Frames(OnFrame::Clears, Policy::Stop));
}

#[test]
fn handler_that_clears_nothing_is_a_storm_on_threads_and_stepped() {
    let verdict = explore(&Frames(OnFrame::ClearsNothing, Policy::Stop));
    assert_eq!(verdict.kind(), Kind::Violation(Rule::InterruptStorm), "{verdict}");
    assert!(verdict.to_string().contains("returned with EVENTS_SOF set and enabled"), "{verdict}");
    // Six seconds of real time.
    let run = threads::run(&Frames(OnFrame::ClearsNothing, Policy::Stop), None);
    assert_eq!(run.verdict.kind(), Kind::Violation(Rule::InterruptStorm), "{}", run.verdict);
}

/// On silicon it goes on for ever.
#[test]
fn storm_that_does_not_end_the_run_is_a_deadlock_on_threads_and_stepped() {
    let silicon = Frames(OnFrame::ClearsNothing, Policy::Silicon);
    let collected = Frames(OnFrame::ClearsNothing, Policy::Collect);
    let run = stepped::run(&collected, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.violations.first().map(|violation| violation.misuse.rule), Some(Rule::InterruptStorm));
    for verdict in [explore(&silicon), run.verdict, threads::run(&silicon, None).verdict] {
        assert!(message(&verdict).contains("returned with EVENTS_SOF set and enabled"), "{verdict}");
        assert_eq!(verdict.kind(), Kind::Deadlock);
    }
}

#[test]
fn handler_that_sleeps_is_a_deadlock_on_threads_and_stepped() {
    let verdict = explore(&Frames(OnFrame::Sleeps, Policy::Stop));
    assert!(message(&verdict).starts_with("the handler sleeps"), "{verdict}");
    let run = threads::run(&Frames(OnFrame::Sleeps, Policy::Stop), None);
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
}

#[test]
fn verdicts_without_memory_of_states_are_the_same() {
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    for on_frame in [OnFrame::Clears, OnFrame::ClearsNothing, OnFrame::Sleeps] {
        let with = explore(&Frames(on_frame, Policy::Stop));
        let without = stepped::explore(&Frames(on_frame, Policy::Stop), limits).verdict;
        assert_eq!(with.kind(), without.kind(), "{without}");
        assert!(with.executions() <= without.executions());
    }
}

#[test]
fn storm_replays_to_the_same_storm_and_the_timeline_shows_the_handler() {
    let program = Frames(OnFrame::ClearsNothing, Policy::Stop);
    let Verdict::Violation(found) = explore(&program) else {
        panic!("a handler that clears nothing is no storm");
    };
    let text = found.violation.replay.clone().expect("the stepped explorer can replay");
    let recording: Recording = text.parse().expect("it was printed just now");
    let run = stepped::replay(&program, &recording).expect("the program is the same");
    let Verdict::Violation(again) = run.verdict else {
        panic!("the replay is no storm: {}", run.verdict);
    };
    assert_eq!(again.violation, found.violation);
    assert!(timeline::render(&run.trace).contains("interrupt: the handler runs"));
}
