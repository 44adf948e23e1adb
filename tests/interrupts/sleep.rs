//! Sleeping until an interrupt: what wakes, and what nothing wakes.

use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::interrupt::EVENTS;
use sim_core::check::{firmware, interrupt};
use sim_core::explore::{Board, Kind, Program, threads};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{clear, expect_sound, explore, message, prepare_frames};

/// Firmware that sleeps until a frame has begun, and then sends a packet.
struct SendsAfterFrame;

impl Program for SendsAfterFrame {
    fn name(&self) -> String {
        "sends-after-frame".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare_frames(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
        let bus = board.clone();
        board.with_interrupt(move || clear(&bus, map::events_sof()), || board.wait_for_interrupt());
        ep0in.start(&[7]).expect("it is the first");
        while ep0in.end().is_err() {}
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.wait_frames(1).await?;
            host.packet_in(true).await.map(drop)
        })
    }
}

#[test]
fn sleep_ends_when_the_handler_has_run() {
    expect_sound(&SendsAfterFrame);
}

/// Firmware that sleeps, with these events enabled, and answers nobody.
struct Sleeps {
    events: u32,
}

impl Program for Sleeps {
    fn name(&self) -> String {
        format!("sleeps:{:x}", self.events)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, self.events);
        let in_handler = ep0in.clone();
        let handler = move || while in_handler.borrow_mut().next_event().is_some() {};
        board.with_interrupt(handler, || interrupt::sleep(&board, &ep0in));
        interrupt::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.control_in(Setup::get_device_descriptor(8)).await.map(drop)
        })
    }
}

#[test]
fn sleep_that_nothing_can_end_is_a_deadlock_that_says_so_on_threads_and_stepped() {
    let expected = "the firmware sleeps, and INTEN enables no event to wake it (set, and not enabled: \
                    EVENTS_USBRESET, EVENTS_SOF, EVENTS_USBEVENT, EVENTS_EP0SETUP); the engine is idle";
    let verdict = explore(&Sleeps { events: 0 });
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).ends_with(expected), "{verdict}");
    // Five seconds of real time: the host's patience.
    let run = threads::run(&Sleeps { events: 0 }, None);
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
    assert!(message(&run.verdict).ends_with(expected), "{}", run.verdict);
}

#[test]
fn handler_that_answers_nothing_is_a_deadlock_that_names_what_is_waited_for() {
    let verdict = explore(&Sleeps { events: EVENTS });
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_USBRESET or"), "{verdict}");
}
