//! A bus that posts writes, and a DMA whose flags come early: who is caught, and who is not.
//!
//! The drivers of dma-api run with posted writes on every schedule; what the manual's device promises, and one whose
//! flag comes early does not, is in `sim_core::check::quirks`.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::stm32f103::dma::map::{self, ccr};
use dma_api::stm32f103::usart::map::sr;
use sim_core::check::quirks::Quirky;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, model, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::quirks::{Completion, Quirks, Writes};
use sim_core::soc::{Config, Soc};
use sim_core::trace::timeline;

use crate::firmware::{config, counting, usart1};
use sim_core::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SENDS, TX, memory};

const EARLY: Quirks = Quirks { writes: Writes::AtOnce, completion: Completion::BeforeData };
const PUSHED: Quirks = Quirks { writes: Writes::AtOnce, completion: Completion::BeforeDataUntilRead };

/// A driver by bare registers, on a system where its write or its flag may be late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// EN=0, and the buffer is the CPU's: no request is on, so no item can be in flight.
    Stops { reads_back: bool },
    /// TC is cleared, two frames are sent, and TC is waited for.
    Sends { reads_back: bool },
    /// The handler clears the flag that has called it, and takes a buffer that is there once.
    Handles { reads_back: bool },
    /// Two frames are received, and looked at when TCIF is set.
    Receives { reads_back: bool },
}

impl Program for By {
    fn name(&self) -> String {
        format!("{self:?}").replace(char::is_whitespace, "")
    }

    fn config(&self) -> Config {
        Config { ram: 16, ..config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        memory(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let hand = Hand::new(board.clone());
        match *self {
            Self::Stops { reads_back } => stops(&hand, reads_back),
            Self::Sends { reads_back } => sends(&hand, reads_back),
            Self::Handles { reads_back } => handles(&board, hand, reads_back),
            Self::Receives { reads_back } => receives(&hand, reads_back),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let sends = matches!(self, Self::Handles { .. } | Self::Receives { .. });
        Box::pin(async move { if sends { host.serial(Port::Usart1).send(&[7, 9]).await } else { Ok(()) } })
    }
}

fn stops<B: Board>(hand: &Hand<B>, reads_back: bool) {
    // The memory of this process stays: it is leaked.
    let buffer = Box::leak(Box::new([0_u8; 4]));
    let region = Region { pointer: buffer.as_mut_ptr(), length: 4, direction: Direction::DeviceToMemory };
    // SAFETY:
    // - The region is valid for ever, and nobody but the board has it.
    let address = unsafe { hand.board.release(region) };
    hand.configure(RX, address.get(), 4);
    hand.enable(RX, RECEIVES);
    hand.write(ccr(RX), 0);
    if reads_back {
        hand.read(ccr(RX));
    }
    // SAFETY:
    // - It was released above. MUTANT: the write of EN=0 may be on its way; the board closes the window.
    unsafe { hand.board.acquire(region) };
}

fn sends<B: Board>(hand: &Hand<B>, reads_back: bool) {
    hand.configure(TX, BUFFER, 2);
    hand.board.release_fence();
    hand.usart(sr(), !sr::TC.mask());
    if reads_back {
        hand.flush_of_the_bus();
    }
    hand.enable(TX, SENDS);
    hand.wait(TX);
    hand.flush();
}

fn handles<B: Board>(board: &B, hand: Hand<B>, reads_back: bool) {
    hand.configure(RX, BUFFER, 2);
    board.release_fence();
    hand.enable(RX, RECEIVES | ccr::TCIE.mask());
    let buffer = Rc::new(Cell::new(Some(BUFFER)));
    let taken = buffer.clone();
    let handler = move || {
        hand.clear(RX);
        if reads_back {
            hand.read(map::isr());
        }
        taken.take().expect("a transfer has ended");
    };
    board.with_interrupt(handler, || {
        while buffer.get().is_some() {
            board.wait_for_interrupt();
        }
        // Others may be late.
        board.critical_section(|| ());
    });
}

fn receives<B: Board>(hand: &Hand<B>, reads_back: bool) {
    hand.configure(RX, BUFFER, 2);
    hand.board.release_fence();
    hand.enable(RX, RECEIVES);
    hand.wait(RX);
    if reads_back {
        hand.read(ccr(RX));
    }
    hand.board.acquire_fence();
    assert_eq!([0, 1].map(|byte| hand.load(BUFFER + byte)), [7, 9]);
}

#[track_caller]
fn assert_is<P: Program>(program: P, quirks: Quirks, expected: Kind) -> stepped::Exploration {
    let program = Quirky { program, quirks };
    let exploration = stepped::explore(&program, Limits::default());
    println!("{}: {exploration}", program.name());
    assert_eq!(exploration.verdict.kind(), expected, "{}: {exploration}", program.name());
    exploration
}

#[test]
fn stop_that_is_not_read_back_is_found_where_writes_are_posted() {
    let caught = Kind::Violation(Rule::AcquiredInFlight);
    for (reads_back, quirks, expected) in [
        (false, Quirks::POSTED, caught),
        (true, Quirks::POSTED, Kind::Sound),
        // Nobody sends, so the stop is in time if the write is.
        (false, Quirks::default(), Kind::Sound),
    ] {
        assert_is(By::Stops { reads_back }, quirks, expected);
    }
}

#[test]
fn tc_that_is_cleared_after_the_frames_is_waited_for_in_vain() {
    assert_is(By::Sends { reads_back: false }, Quirks::POSTED, Kind::Deadlock);
    assert_is(By::Sends { reads_back: true }, Quirks::POSTED, Kind::Sound);
    assert_is(By::Sends { reads_back: false }, Quirks::default(), Kind::Sound);
}

#[test]
fn handler_that_does_not_read_back_is_called_again() {
    assert_is(By::Handles { reads_back: false }, Quirks::POSTED, Kind::Assertion);
    assert_is(By::Handles { reads_back: true }, Quirks::POSTED, Kind::Sound);
    assert_is(By::Handles { reads_back: false }, Quirks::default(), Kind::Sound);
}

#[test]
fn flag_that_comes_before_its_data_is_not_to_be_trusted() {
    let caught = Kind::Violation(Rule::CpuAccessInFlight);
    for (reads_back, quirks, expected) in [
        (false, Quirks::default(), Kind::Sound),
        (false, EARLY, caught),
        (true, EARLY, caught),
        (false, PUSHED, caught),
        (true, PUSHED, Kind::Sound),
        // Both at once.
        (true, Quirks { writes: Writes::Posted, ..PUSHED }, Kind::Sound),
        (false, Quirks { writes: Writes::Posted, ..PUSHED }, caught),
    ] {
        assert_is(By::Receives { reads_back }, quirks, expected);
    }
}

/// What silicon makes of it: the last byte is the old one.
#[test]
fn bytes_that_a_flag_told_of_too_early_are_old_ones() {
    let silent = sim_core::monitor::Policy::Silicon;
    let program = Silent(By::Receives { reads_back: false }, silent);
    let exploration = assert_is(program, EARLY, Kind::Assertion);
    assert!(exploration.verdict.to_string().contains("left: [7, 2]"), "{exploration}");
}

/// A program that no rule ends.
struct Silent(By, sim_core::monitor::Policy);

impl Program for Silent {
    fn name(&self) -> String {
        self.0.name()
    }

    fn config(&self) -> Config {
        Config { policies: self.1.into(), ..self.0.config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.0.firmware(board);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}

#[test]
fn replay_shows_when_a_posted_write_leaves_and_when_it_takes_effect() {
    let program = Quirky { program: By::Sends { reads_back: false }, quirks: Quirks::POSTED };
    let verdict = stepped::explore(&program, Limits::default()).verdict;
    let recording = verdict.replay().expect("it can be replayed").parse().expect("it was printed just now");
    let again = stepped::replay(&program, &recording).expect("it comes by these choices");
    assert_eq!(again.verdict.kind(), Kind::Deadlock);
    let text = anstream::adapter::strip_str(&timeline::render(&again.trace)).to_string();
    let at = |what: &str| text.lines().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("posts USART1.SR <-") < at("posts DMA1.CCR4 <-"), "{text}");
    assert!(at("USART1 -> 0x02") < at("  USART1.SR <-"), "{text}");
}

/// Sends twice, flushes; and stops a sender before.
#[derive(Debug)]
struct Flushes;

impl Program for Flushes {
    fn name(&self) -> String {
        "flushes".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (sender, mut receiver) = usart1(&board);
        let (_, mut sender) = sender.write_all(counting(2)).expect("it is not refused").wait().expect("it ends");
        sender.flush(&mut receiver);
    }

    fn host(&self, _: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

/// Found with posted writes: TC was cleared, and not read back.
#[test]
fn sender_that_is_flushed_is_sound_where_writes_are_posted() {
    assert_is(Flushes, Quirks::POSTED, Kind::Sound);
}

#[test]
fn explorers_without_choices_refuse_quirks() {
    for quirks in Quirks::EACH {
        let program = Quirky { program: Flushes, quirks };
        let verdict = threads::run(&program, None).verdict;
        assert_eq!(verdict.kind(), Kind::Inconclusive, "{verdict}");
        assert!(verdict.to_string().contains(&format!("{quirks}: `explore::stepped` alone")), "{verdict}");
        let config = Config { quirks, ..config() };
        let verdict = sim_core::model(config, model::Limits::default(), 1, |board| Flushes.firmware(board));
        assert_eq!(verdict.kind(), Kind::Inconclusive, "{verdict}");
    }
}
