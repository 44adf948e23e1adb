//! Models that loom cannot take, or that never end: what is said of them.

use std::sync::Arc;

use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::dma::map::{self as dma, ccr};
use dma_api::stm32f103::usart::{Usart1, map as usart};
use sim_core::device::Chip;
use sim_core::explore::model::location::Location;
use sim_core::explore::model::{self, Limits, Packets};
use sim_core::explore::{Board, Kind, Program, Verdict};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};

/// What the driver does to channel 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    /// Waits for the end of a transfer that it has not started.
    WaitsForNothing,
    /// Returns, with nothing started.
    Returns,
    /// Starts a transfer, waits for it, and for another.
    WaitsTwice,
    /// Starts and stops for ever.
    Toggles,
    /// Nothing, and nothing is expected of it.
    Empty,
}

impl Program for Hand {
    fn name(&self) -> String {
        format!("hand:{self:?}")
    }

    fn config(&self) -> Config {
        Config { chip: Chip::Stm32f103, ram: 4, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        soc.allocate(4);
    }

    fn firmware<B: Board>(&self, board: B) {
        let channel = board.block::<Dma1>();
        // SAFETY:
        // - A transfer that this starts reads simulated RAM, which nobody else uses.
        let write = |offset, value| unsafe { channel.write(offset, value) };
        let waits = || while channel.read(dma::isr()) & dma::TCIF << dma::flags_of(3) == 0 {};
        let start = || {
            write(dma::cpar(3), u32::try_from(Usart1::BASE).expect("32 bits") + u32::from(usart::dr()));
            write(dma::cmar(3), 0x2000_0000);
            write(dma::cndtr(3), 1);
            write(ccr(3), ccr::DIR.mask() | ccr::EN.mask());
        };
        match self {
            Self::Empty | Self::Returns => {}
            Self::WaitsForNothing => waits(),
            Self::WaitsTwice => {
                start();
                waits();
                write(dma::ifcr(), u32::MAX);
                waits();
            }
            Self::Toggles => loop {
                start();
                write(ccr(3), 0);
            },
        }
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for Hand {
    fn packets(&self) -> usize {
        usize::from(*self != Self::Empty)
    }
}

fn verdict(hand: Hand) -> Verdict {
    let verdict = model::check(&hand, Limits::default());
    println!("{hand:?}: {verdict}");
    verdict
}

#[test]
fn model_in_which_somebody_waits_forever_is_a_deadlock_that_names_both_sides() {
    for (hand, expected) in [
        (Hand::WaitsForNothing, "the driver polls DMA1.ISR, and has started 0 transfers; the device has done 0 of 1"),
        (Hand::Returns, "the firmware has returned, and has started 0 transfers; the device has done 0 of 1"),
        (Hand::WaitsTwice, "the driver polls DMA1.ISR, and has started 1 transfers; the device has done 1 of 1"),
    ] {
        let verdict = verdict(hand);
        let Verdict::Deadlock { message, .. } = &verdict else { panic!("{hand:?}: {verdict}") };
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn model_that_goes_on_forever_is_inconclusive_and_names_both_sides() {
    let toggles = verdict(Hand::Toggles);
    let Verdict::Inconclusive { message, .. } = &toggles else { panic!("{toggles}") };
    assert!(
        message.contains("after 10000 switch points: it never does (a livelock), or `Limits::branches`"),
        "{message}"
    );
    assert!(message.contains("the driver ") && message.contains("the device has done "), "{message}");
}

#[test]
fn two_threads_that_toggle_forever_are_inconclusive() {
    let verdict = model::explore(Limits::default(), || {
        let flag = Arc::new(Location::new());
        let other = flag.clone();
        let toggle = |flag: &Location, from| {
            while flag.read() < 2 {
                if flag.read() == from { flag.write(1 - from) } else { loom::thread::yield_now() }
            }
        };
        let thread = loom::thread::spawn(move || toggle(&other, 0));
        toggle(&flag, 1);
        thread.join().expect("it never ends");
    });
    assert_eq!(verdict.kind(), Kind::Inconclusive, "{verdict}");
    assert!(verdict.to_string().contains("(a livelock)"), "{verdict}");
}

#[test]
fn model_without_a_packet_is_vacuous_and_not_sound() {
    let verdict = verdict(Hand::Empty);
    assert_eq!(verdict.kind(), Kind::Vacuous, "{verdict}");
    assert!(verdict.to_string().contains("the model has no packet"), "{verdict}");
}

/// A model that spawns so many threads besides its own.
fn with_threads(count: usize) -> Verdict {
    model::explore(Limits::default(), move || {
        let threads: Vec<_> = (0..count).map(|_| loom::thread::spawn(|| {})).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("it does nothing"));
    })
}

#[test]
fn too_many_threads_for_loom_are_inconclusive_by_name_and_the_next_model_runs() {
    assert_eq!(with_threads(4).kind(), Kind::Sound);
    let verdict = with_threads(5);
    assert_eq!(verdict.kind(), Kind::Inconclusive, "{verdict}");
    assert!(verdict.to_string().contains("loom has room for 5, with the one that it starts with"), "{verdict}");
    assert_eq!(with_threads(4).kind(), Kind::Sound);
}

#[test]
fn panic_in_a_model_keeps_its_message_and_the_next_model_runs() {
    let verdict = model::explore(Limits::default(), || panic!("the {} message", "model's own"));
    let Verdict::Assertion { message, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!(message, "the model's own message");
    assert_eq!(with_threads(1).kind(), Kind::Sound);
}
