//! What main program and handler share, in critical sections and without.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Endpoints, Engine, Event, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::interrupt::EVENTS;
use sim_core::check::programs::{Device, Try};
use sim_core::check::{firmware, interrupt};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{clear, expect_sound, explore, message, prepare_frames};

/// How a main program goes about a handler that leaves it something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Main {
    /// Looks, and sleeps if there is nothing, in one critical section.
    Right,
    /// Looks in a critical section, and sleeps after it.
    SleepsOutside,
    /// Uses the driver outside of a critical section.
    AnswersOutside,
}

/// The handler takes events, the main program answers.
struct Deferred(Main);

impl Program for Deferred {
    fn name(&self) -> String {
        format!("deferred:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, EVENTS);
        let inbox = Rc::new(Cell::new(None));
        let handler = {
            let (ep0in, inbox) = (ep0in.clone(), inbox.clone());
            move || {
                let mut ep0in = ep0in.borrow_mut();
                while let Some(event) = ep0in.next_event() {
                    match event {
                        Event::Setup(setup) => inbox.set(Some(setup)),
                        Event::Reset => inbox.set(None),
                        _ => {}
                    }
                }
            }
        };
        let answer = |setup: Setup| firmware::answer(&mut ep0in.borrow_mut(), setup);
        board.with_interrupt(handler, || {
            loop {
                board.checkpoint(&(&ep0in, inbox.get()));
                if board.host_is_done() {
                    break;
                }
                match self.0 {
                    Main::Right => board.critical_section(|| match inbox.take() {
                        Some(setup) => answer(setup),
                        None => board.wait_for_interrupt(),
                    }),
                    Main::SleepsOutside => match board.critical_section(|| inbox.take()) {
                        Some(setup) => board.critical_section(|| answer(setup)),
                        None => board.wait_for_interrupt(),
                    },
                    Main::AnswersOutside => match board.critical_section(|| inbox.take()) {
                        Some(setup) => answer(setup),
                        None => board.critical_section(|| {
                            if inbox.get().is_none() {
                                board.wait_for_interrupt();
                            }
                        }),
                    },
                }
            }
        });
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        Device::new(Try::DoubleStart, 8).host(host)
    }
}

#[test]
fn event_between_look_and_sleep_is_not_lost_in_a_critical_section() {
    expect_sound(&Deferred(Main::Right));
}

#[test]
fn event_between_look_and_sleep_is_lost_outside_of_a_critical_section() {
    let verdict = explore(&Deferred(Main::SleepsOutside));
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_USBRESET"), "{verdict}");
}

#[test]
fn driver_that_is_used_outside_of_a_critical_section_is_borrowed_twice() {
    let verdict = explore(&Deferred(Main::AnswersOutside));
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
    assert!(message(&verdict).contains("already borrowed"), "{verdict}");
}

/// Main program and handler have an engine each, which a safe program cannot have on the chip: whoever makes a second
/// bus vouches that there is one. Every transfer is waited for, so a critical section around each is enough.
struct TwoEngines {
    masked: bool,
}

impl Program for TwoEngines {
    fn name(&self) -> String {
        format!("two-engines:{}", self.masked)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare_frames(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let engine = || Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
        let (mut mine, Endpoints { epin: [_, mut mine_in, ..], .. }) = engine();
        let (mut theirs, Endpoints { epin: [mut theirs_in, ..], .. }) = engine();
        mine_in.open(&mut mine);
        theirs_in.open(&mut theirs);
        let bus = board.clone();
        let handler = move || {
            clear(&bus, map::events_sof());
            theirs_in.write(&mut theirs, &[1]).expect("the frame is the first");
        };
        board.with_interrupt(handler, || {
            let mut write = || mine_in.write(&mut mine, &[2]).expect("it is the only one");
            if self.masked { board.critical_section(write) } else { write() }
        });
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(1).await })
    }
}

#[test]
fn engine_that_is_shared_without_a_critical_section_is_started_while_it_runs() {
    let verdict = explore(&TwoEngines { masked: false });
    assert_eq!(verdict.kind(), Kind::Violation(Rule::StartWhileBusy), "{verdict}");
}

#[test]
fn engine_that_is_shared_in_critical_sections_is_sound() {
    expect_sound(&TwoEngines { masked: true });
}

#[test]
fn verdicts_on_a_shared_engine_without_memory_of_states_are_the_same() {
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    for masked in [false, true] {
        let without = stepped::explore(&TwoEngines { masked }, limits).verdict;
        assert_eq!(explore(&TwoEngines { masked }).kind(), without.kind(), "{without}");
    }
}
