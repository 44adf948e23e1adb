//! Interrupt handlers on every schedule: sharing, masking, sleeping, clearing.
//!
//! Each program is right, or makes one mistake that interrupts invite, which is then found.
//!
//! | file | what it is about |
//! |---|---|
//! | here | endpoint 0 by interrupts |
//! | `sharing` | critical sections, and what happens without |
//! | `sleep` | what wakes, and what nothing wakes |
//! | `frames` | a handler that clears its event, does not, sleeps; storms |
//! | `clearing` | EPDATA, USBEVENT, SOF: the event first, then its causes |
//! | `packets` | loom and stepped agree |
//! | `outcomes` | memory of states hides nothing |

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Event, map};
use sim_core::check::interrupt::{EVENTS, InterruptDevice};
use sim_core::check::programs::{Device, Try, begin_control_read};
use sim_core::check::{firmware, interrupt};
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::trace::Record;

#[path = "interrupts/clearing.rs"]
mod clearing;
#[path = "interrupts/frames.rs"]
mod frames;
#[path = "interrupts/outcomes.rs"]
mod outcomes;
#[path = "interrupts/packets.rs"]
mod packets;
#[path = "interrupts/sharing.rs"]
mod sharing;
#[path = "interrupts/sleep.rs"]
mod sleep;

fn explore(program: &impl Program) -> Verdict {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
    exploration.verdict
}

fn expect_sound(program: &(impl Program + Sync)) {
    let verdict = explore(program);
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    for _ in 0..20 {
        let run = threads::run(program, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
    }
}

/// The message of a deadlock or an assertion.
fn message(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Deadlock { message, .. } | Verdict::Assertion { message, .. } => message,
        other => panic!("{other}"),
    }
}

/// Powers up, begins a control read, and lets SOF assert the interrupt line.
fn prepare_frames(soc: &mut Soc) {
    begin_control_read(soc);
    soc.cpu_write(map::inten(), map::inten::SOF.mask(), Location::caller());
}

/// Clears an event, by hand.
fn clear(board: &impl Board, event: u16) {
    // SAFETY:
    // - The write starts nothing: it clears an event.
    unsafe { board.write(event, 0) };
}

#[test]
fn endpoint_zero_by_interrupts_is_sound_against_every_host_on_every_schedule() {
    for host in Try::ALL {
        for length in [1, 18] {
            let verdict = explore(&InterruptDevice(Device::new(host, length)));
            assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
        }
    }
}

#[test]
fn endpoint_zero_by_interrupts_is_sound_at_once_at_random_and_on_threads() {
    for host in Try::ALL {
        let program = InterruptDevice(Device::new(host, 18));
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "immediate: {}", run.verdict);
        for seed in 0..200 {
            let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
        }
        for _ in 0..20 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
        }
    }
}

/// As `InterruptDevice`, but the handler takes one event a run.
struct TakesOne;

impl Program for TakesOne {
    fn name(&self) -> String {
        "takes-one".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, EVENTS);
        let in_handler = ep0in.clone();
        let handler = move || {
            let mut ep0in = in_handler.borrow_mut();
            if let Some(Event::Setup(setup)) = ep0in.next_event() {
                firmware::answer(&mut ep0in, setup);
            }
        };
        board.with_interrupt(handler, || interrupt::sleep(&board, &ep0in));
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        Device::new(Try::Reset, 1).host(host)
    }
}

#[test]
fn setup_that_was_read_together_with_a_reset_is_lost_by_a_handler_that_takes_one_event() {
    let verdict = explore(&TakesOne);
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    let expected = "the firmware sleeps until EVENTS_USBRESET or EVENTS_EP0DATADONE or EVENTS_EP0SETUP";
    assert!(message(&verdict).contains(expected), "{verdict}");
}

#[test]
fn handler_and_sleep_are_noted_in_pairs_on_threads_and_stepped() {
    let program = InterruptDevice(Device::new(Try::ControlRead, 8));
    let keep = Some(sim_core::trace::Keep::Order);
    let stepped = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(1))), keep).trace;
    let threads = threads::run(&program, keep).trace;
    for trace in [stepped, threads] {
        let noted = |wanted: &dyn Fn(&Record) -> Option<bool>| -> Vec<bool> {
            trace.entries().iter().filter_map(|entry| wanted(&entry.record)).collect()
        };
        let handler = noted(&|record| if let Record::Handler { running } = record { Some(*running) } else { None });
        let sleep = noted(&|record| if let Record::Sleep { asleep } = record { Some(*asleep) } else { None });
        for noted in [handler, sleep] {
            assert!(!noted.is_empty() && noted.chunks(2).all(|pair| pair == [true, false]), "{noted:?}");
        }
    }
}
