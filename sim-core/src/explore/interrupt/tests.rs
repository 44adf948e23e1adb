//! Handler and mask by themselves, and the one rule about them.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;

use super::*;
use crate::check::programs::begin_control_read;
use crate::device::usbd::Options;
use crate::explore::scheduler::Immediate;
use crate::explore::{Board, Program, quietly, stepped};
use crate::host::{Host, Script};
use crate::monitor::tests::Driver;
use crate::soc::{Config, Soc};

fn install<T>(interrupts: &Interrupts, handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
    interrupts.with_handler(handler, Location::caller(), body)
}

#[test]
fn handler_runs_where_nothing_masks_it_and_never_in_itself() {
    let interrupts = Rc::new(Interrupts::default());
    let runs = Rc::new(Cell::new(0));
    let (inner, counted) = (interrupts.clone(), runs.clone());
    let handler = move || {
        counted.set(counted.get() + 1);
        assert!(inner.is_running() && !inner.can_run());
        inner.run();
    };
    interrupts.run();
    install(&interrupts, handler, || {
        interrupts.run();
        interrupts.masked(|| {
            interrupts.masked(|| interrupts.run());
            interrupts.run();
        });
        assert_eq!((runs.get(), interrupts.switches()), (1, 2), "masked, twice and once");
        interrupts.run();
    });
    interrupts.run();
    assert_eq!(runs.get(), 2, "not before it was installed, and not after");
}

#[test]
fn panic_leaves_neither_mask_nor_handler() {
    let interrupts = Interrupts::default();
    let fresh = interrupts.mode();
    let _ = quietly(|| install(&interrupts, || {}, || interrupts.masked(|| panic!("in a critical section"))));
    assert_eq!(interrupts.mode(), fresh);
    let _ = quietly(|| install(&interrupts, || panic!("in the handler"), || interrupts.run()));
    assert_eq!(interrupts.mode(), fresh);
}

#[test]
fn second_handler_is_refused() {
    let interrupts = Interrupts::default();
    let refused = quietly(|| install(&interrupts, || {}, || install(&interrupts, || {}, || {})));
    assert!(refused.is_err());
}

#[test]
fn sleeper_names_what_it_waits_for_and_what_it_does_not_hear() {
    let mut soc = Soc::new(Config { options: Options::ideal(), ..Config::default() });
    assert_eq!(sleeper(&soc), "the firmware sleeps, and INTEN enables no event to wake it");
    let mask = map::event_bit(map::events_ep0setup()) | map::event_bit(map::events_endepin(1));
    soc.cpu_write(map::inten(), mask, Location::caller());
    assert_eq!(sleeper(&soc), "the firmware sleeps until EVENTS_ENDEPIN[1] or EVENTS_EP0SETUP");
    soc.cpu_write(map::enable(), 1, Location::caller());
    soc.power_up_done();
    let unheard = " (set, and not enabled: EVENTS_USBEVENT)";
    assert!(sleeper(&soc).ends_with(unheard), "{}", sleeper(&soc));
}

/// Firmware whose handler clears SOF, or not.
struct Frames(Driver);

impl Program for Frames {
    fn name(&self) -> String {
        "frames".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        soc.cpu_write(map::inten(), map::inten::SOF.mask(), Location::caller());
    }

    fn firmware<B: Board>(&self, board: B) {
        let (bus, clears) = (board.clone(), self.0 == Driver::Right);
        let handler = move || {
            let clear = if clears { map::events_sof() } else { map::events_usbreset() };
            // SAFETY:
            // - The write starts nothing: it clears an event.
            unsafe { bus.write(clear, 0) };
        };
        board.with_interrupt(handler, || board.wait_for_interrupt());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(1).await })
    }
}

/// What [`Rule::InterruptStorm`] is broken by.
pub(crate) fn storm(driver: Driver) -> Vec<Rule> {
    let run = stepped::run(&Frames(driver), &Rc::new(RefCell::new(Immediate)), None);
    match run.verdict {
        crate::explore::Verdict::Violation(found) => vec![found.violation.misuse.rule],
        crate::explore::Verdict::Sound { .. } => Vec::new(),
        other => panic!("{other}"),
    }
}
