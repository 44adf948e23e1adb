//! Bad input by name: an error of `Ep0In`, or a violation of the chip's rules.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::{AnswerError, EndError, Ep0In, StartError, Usbd, map};
use sim_core::check::firmware;
use sim_core::check::programs::begin_control_read;
use sim_core::device::usbd::Options;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

/// What the firmware does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    StartOf65Bytes,
    StartOf0Bytes,
    EndBeforeTheEvent,
    EndWithoutAStart,
    StartTwice,
    StatusWhileBusy,
    PartsWhileBusy,
    PointerIntoFlash,
    PointerOutsideEveryWindow,
    PointerOutsideRam,
    PointerOfNothingForNoBytes,
    LengthOver(u32),
    SecondStartByHand,
    SizeReadDuringATransfer,
    SetupReadBeforeReady,
}

/// A register access by hand: what a driver with a defect does.
fn write<B: Board>(board: &B, offset: u16, value: u32) {
    // SAFETY:
    // - Not paid, on purpose: the transfers that this starts reach what was lent, or nothing. The board is an emulated
    //   chip, whose engine reaches memory through windows only.
    unsafe { board.write(offset, value) }
}

impl Bad {
    fn is_by_hand(self) -> bool {
        !matches!(self, Self::StartOf65Bytes | Self::StartOf0Bytes | Self::EndBeforeTheEvent | Self::EndWithoutAStart)
            && !matches!(self, Self::StartTwice | Self::StatusWhileBusy | Self::PartsWhileBusy)
    }

    fn with_endpoint<B: Board>(self, mut ep0in: Ep0In<B>) -> Ep0In<B> {
        let bytes = [0x5A; 65];
        match self {
            Self::StartOf65Bytes => assert_eq!(ep0in.start(&bytes), Err(StartError::TooLong { length: 65 })),
            Self::StartOf0Bytes => assert_eq!(ep0in.start(&[]), Err(StartError::Empty)),
            Self::EndWithoutAStart => assert_eq!(ep0in.end(), Err(EndError::NotStarted)),
            Self::EndBeforeTheEvent => {
                assert_eq!(ep0in.start(&bytes[..64]), Ok(()));
                assert_eq!(ep0in.end(), Err(EndError::NotDone));
            }
            Self::StartTwice => {
                assert_eq!(ep0in.start(&bytes[..3]), Ok(()));
                assert_eq!(ep0in.start(&bytes[..64]), Err(StartError::Busy));
                assert_eq!(ep0in.start_zero_length(), Err(StartError::Busy));
            }
            Self::StatusWhileBusy => {
                assert_eq!(ep0in.start(&bytes[..3]), Ok(()));
                assert_eq!(ep0in.accept(), Err(AnswerError::Busy));
                assert_eq!(ep0in.stall(), Err(AnswerError::Busy));
            }
            Self::PartsWhileBusy => {
                assert_eq!(ep0in.start(&bytes[..3]), Ok(()));
                return ep0in.into_parts().expect_err("the buffer is lent");
            }
            _ => unreachable!("{self:?} is done by hand"),
        }
        ep0in
    }

    fn by_hand<B: Board>(self, board: &B) {
        let start = |pointer, length| {
            write(board, map::epin_ptr(0), pointer);
            write(board, map::epin_maxcnt(0), length);
            write(board, map::tasks_startepin(0), 1);
        };
        match self {
            Self::PointerIntoFlash => start(0x0001_0000, 18),
            Self::PointerOutsideEveryWindow => start(0x2003_0000, 18),
            Self::PointerOutsideRam => start(0x2003_FFF8, 18),
            Self::PointerOfNothingForNoBytes => start(0, 0),
            Self::LengthOver(length) => start(lent(board), length),
            Self::SecondStartByHand => {
                start(lent(board), 8);
                write(board, map::tasks_startepin(0), 1);
            }
            Self::SizeReadDuringATransfer => {
                start(lent(board), 8);
                board.read(map::size_epout(0));
            }
            _ => unreachable!("{self:?} is done with the endpoint"),
        }
    }
}

/// A buffer of 64 bytes, lent for good.
fn lent<B: Board>(board: &B) -> u32 {
    let pointer: *mut u8 = std::ptr::from_mut(statics::packet_buffer()).cast();
    // SAFETY:
    // - The region is valid from now on: an `PacketBuffer` is 64 bytes and `'static`.
    // - No CPU access conflicts with the DMA's: the only reference to it ended on the line above.
    unsafe { board.release(Region { pointer, length: 64, direction: Direction::MemoryToDevice }) }.get()
}

impl Program for Bad {
    fn name(&self) -> String {
        format!("bad-input:{self:?}")
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        if *self != Self::SetupReadBeforeReady {
            begin_control_read(soc);
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        match self {
            Self::SetupReadBeforeReady => drop(board.read(map::bmrequesttype())),
            _ if self.is_by_hand() => self.by_hand(&board),
            _ => {
                // Some of it is refused before a register is touched: this is a program all the same.
                assert!(board.host_is_done());
                let ep0in = Ep0In::new(Usbd::new(board), statics::packet_buffer());
                firmware::put_away(self.with_endpoint(ep0in));
            }
        }
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

fn verdict(bad: Bad) -> Kind {
    let verdict = stepped::explore(&bad, Limits::default()).verdict;
    println!("{bad:?}: {verdict}");
    verdict.kind()
}

#[test]
fn misuse_of_the_endpoint_is_an_error_by_name_on_every_schedule() {
    // The assertions are in the firmware; `Sound` says that they held.
    for bad in [Bad::StartOf65Bytes, Bad::StartOf0Bytes, Bad::EndWithoutAStart, Bad::EndBeforeTheEvent] {
        assert_eq!(verdict(bad), Kind::Sound, "{bad:?}");
    }
    for bad in [Bad::StartTwice, Bad::StatusWhileBusy, Bad::PartsWhileBusy] {
        assert_eq!(verdict(bad), Kind::Sound, "{bad:?}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let errors = [
        (StartError::Busy.to_string(), "call `end` until it succeeds"),
        (StartError::TooLong { length: 65 }.to_string(), "65 bytes do not fit a packet"),
        (StartError::Empty.to_string(), "use `accept` for the status stage"),
        (EndError::NotDone.to_string(), "wait for EVENTS_EP0DATADONE"),
        (EndError::NotStarted.to_string(), "none was started, or it was aborted"),
        (AnswerError::Busy.to_string(), "end or abort it first"),
    ];
    for (text, expected) in errors {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn pointer_out_of_reach_is_a_violation_by_name() {
    assert_eq!(verdict(Bad::PointerIntoFlash), Kind::Violation(Rule::PointerOutsideRam));
    assert_eq!(verdict(Bad::PointerOutsideRam), Kind::Violation(Rule::PointerOutsideRam));
    assert_eq!(verdict(Bad::PointerOutsideEveryWindow), Kind::Violation(Rule::PointerNotLent));
    assert_eq!(verdict(Bad::PointerOfNothingForNoBytes), Kind::Sound, "PTR is ignored for 0 bytes");
}

#[test]
fn length_over_the_packet_is_a_violation_by_name() {
    for length in 65..=127 {
        assert_eq!(verdict(Bad::LengthOver(length)), Kind::Violation(Rule::LengthOverBuffer), "{length}");
    }
    assert_eq!(verdict(Bad::LengthOver(64)), Kind::Sound, "64 bytes fit");
}

#[test]
fn engine_in_the_way_is_a_violation_by_name() {
    assert_eq!(verdict(Bad::SecondStartByHand), Kind::Violation(Rule::StartWhileBusy));
    assert_eq!(verdict(Bad::SizeReadDuringATransfer), Kind::Violation(Rule::AccessDuringTransfer));
    assert_eq!(verdict(Bad::SetupReadBeforeReady), Kind::Violation(Rule::AccessBeforeReady));
}

#[test]
fn simulator_without_time_does_not_see_the_second_start() {
    // Why every schedule: where a copy takes no time, as in other simulators, nothing is wrong with this driver.
    let run = stepped::run(&Bad::SecondStartByHand, &Rc::new(RefCell::new(Immediate)), None);
    assert_ne!(run.verdict.kind(), Kind::Violation(Rule::StartWhileBusy), "{}", run.verdict);
}
