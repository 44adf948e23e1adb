//! Receiving.

use std::format;
use std::vec;
use std::vec::Vec;

use super::super::*;
use super::paces;
use crate::address::Direction;
use crate::registers::Registers;
use crate::stm32f103::dma::{Dma1, StartError};
use crate::stm32f103::fake::{Chip, Part, Step, Walker};
use crate::stm32f103::usart::map::{self as usart, sr};
use crate::stm32f103::usart::{LineError, Parity, ReceiveStartError, Receiver, Settings, Usart, Usart1};

type Receives<'a, W> = Receiver<Part<'a, Usart1>, Usart1, Part<'a, Dma1>, W>;

/// The channel's place in arrays of registers.
const N: u16 = 4;

const QUIET: u32 = sr::TXE.mask() | sr::TC.mask();

fn receiver(chip: &Chip) -> Receives<'_, u8> {
    let (_tx, rx) = Usart::new(chip.part(), Settings { brr: 625, parity: Parity::None }).split();
    rx.with_dma(Dma1::split(chip.part()).c5)
}

fn bytes(content: &[u8]) -> &'static mut [u8] {
    content.to_vec().leak()
}

/// A buffer of two halves, "abc" and "def".
fn started(chip: &Chip) -> Circular<&'static mut [u8], Receives<'_, u8>> {
    let circular = receiver(chip).circular(bytes(b"abcdef")).expect("it is not refused");
    chip.steps();
    circular
}

/// Flags rise before the next reads of ISR.
fn rise(chip: &Chip, flags: &[u32]) {
    *chip.rises.borrow_mut() = flags.iter().map(|flags| flags << map::flags_of(N)).collect();
}

type Read = Result<Option<Vec<u8>>, CircularError>;

fn read(circular: &mut Circular<&'static mut [u8], Receives<'_, u8>>) -> Read {
    let mut into = [0; 4];
    Ok(circular.read(&mut into)?.map(|count| into[..count].to_vec()))
}

fn half(content: &[u8]) -> Read {
    Ok(Some(content.to_vec()))
}

#[test]
fn buffer_without_two_equal_halves_is_refused_and_comes_back() {
    let chip = Chip::new();
    let Refused { kind, channel, buffer } = receiver(&chip).circular(bytes(b"abc")).expect_err("3 words");
    assert_eq!((kind, &*buffer), (CircularStartError::Odd { words: 3 }, &b"abc"[..]));
    let refused = channel.circular(bytes(b"")).expect_err("no words");
    assert_eq!(refused.kind, CircularStartError::Start(ReceiveStartError::Start(StartError::Empty)));
    assert!(refused.channel.circular(bytes(b"ab")).is_ok());
    assert_eq!(chip.get(map::ccr(N)), 0, "and it was stopped");
}

#[test]
fn channel_is_started_circular_and_without_interrupts() {
    let chip = Chip::new();
    let _circular = receiver(&chip).circular(bytes(b"abcdef")).expect("it is not refused");
    assert_eq!((chip.get(map::ccr(N)), chip.get(map::cndtr(N))), (0x0A1, 6));
}

#[test]
fn halves_are_handed_out_in_turn() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    for _lap in 0..3 {
        assert_eq!(read(&mut circular), Ok(None));
        rise(&chip, &[map::HTIF]);
        assert_eq!(read(&mut circular), half(b"abc"));
        assert_eq!(read(&mut circular), Ok(None));
        rise(&chip, &[map::TCIF]);
        assert_eq!(read(&mut circular), half(b"def"));
    }
    assert_eq!(chip.get(map::isr()), 0);
}

#[test]
fn half_is_copied_between_two_looks_at_the_flags() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF]);
    assert_eq!(read(&mut circular), half(b"abc"));
    let expected = [
        Step::Read(map::isr()),
        Step::Snapshot(3),
        Step::Write(map::ifcr(), map::HTIF << map::flags_of(N)),
        Step::Read(map::isr()),
        Step::UsartRead(sr()),
    ];
    assert_eq!(chip.steps(), expected);
}

#[test]
fn lap_before_the_look_is_an_overrun_once() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF | map::TCIF]);
    chip.set(map::cndtr(N), 5);
    assert_eq!(read(&mut circular), Err(CircularError::Overrun));
    // What comes before the flags are cleared is of no use: the DMA may have crossed a boundary since.
    let boundaries = (map::HTIF | map::TCIF) << map::flags_of(N);
    let place = [Step::Write(map::ifcr(), boundaries), Step::Read(map::cndtr(N)), Step::Read(map::isr())];
    assert_eq!(chip.steps()[1..], place);
    assert_eq!(read(&mut circular), Ok(None));
    rise(&chip, &[map::HTIF]);
    assert_eq!(read(&mut circular), half(b"abc"));
}

#[test]
fn lap_during_the_copy_is_an_overrun_and_nothing_is_handed_out() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF, map::TCIF]);
    chip.set(map::cndtr(N), 4);
    assert_eq!(read(&mut circular), Err(CircularError::Overrun));
    rise(&chip, &[map::HTIF]);
    assert_eq!(read(&mut circular), half(b"abc"));
    // The same in the second half.
    rise(&chip, &[map::TCIF, map::HTIF]);
    chip.set(map::cndtr(N), 3);
    assert_eq!(read(&mut circular), Err(CircularError::Overrun));
    rise(&chip, &[map::TCIF]);
    assert_eq!(read(&mut circular), half(b"def"));
}

#[test]
fn place_is_found_by_cndtr_if_no_boundary_is_crossed_meanwhile() {
    for (left, next) in [(6, Half::First), (4, Half::First), (3, Half::Second), (1, Half::Second)] {
        let chip = Chip::new();
        let mut circular = started(&chip);
        chip.set(map::cndtr(N), left);
        rise(&chip, &[map::TCIF]);
        assert_eq!(read(&mut circular), Err(CircularError::Overrun));
        assert_eq!(circular.next, Some(next));
    }
    for (left, boundary) in [(4, map::HTIF), (1, map::TCIF), (0, 0)] {
        let chip = Chip::new();
        let mut circular = started(&chip);
        chip.set(map::cndtr(N), left);
        rise(&chip, &[map::TCIF, boundary]);
        assert_eq!(read(&mut circular), Err(CircularError::Overrun));
        assert_eq!(circular.next, None, "in the first half, or in the second?");
        chip.set(map::cndtr(N), 2);
        assert_eq!(read(&mut circular), Ok(None), "it was reported");
        assert_eq!(circular.next, Some(Half::Second));
    }
}

#[test]
fn error_on_the_line_is_reported_with_its_half_once() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    chip.set_usart(sr(), QUIET | sr::FE.mask());
    rise(&chip, &[map::HTIF]);
    assert_eq!(read(&mut circular), Err(CircularError::Line(LineError::Framing)));
    assert!(!chip.steps().contains(&Step::UsartRead(usart::dr())), "a frame would be taken from the DMA");
    // The DMA reads the next frame.
    Registers::read(&chip.part::<Usart1>(), usart::dr());
    rise(&chip, &[map::TCIF]);
    assert_eq!(read(&mut circular), half(b"def"));
}

#[test]
fn error_of_the_dma_ends_it_after_the_half_that_was_full() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    chip.set(map::cndtr(N), 2);
    rise(&chip, &[map::HTIF | map::TEIF]);
    assert_eq!(read(&mut circular), half(b"abc"));
    for _again in 0..2 {
        assert_eq!(read(&mut circular), Err(CircularError::Transfer(TransferError { moved: 4 })));
    }
    let (_buffer, receiver) = circular.stop();
    assert!(receiver.circular(bytes(b"ab")).is_ok());
}

#[test]
fn error_of_the_dma_that_comes_with_an_overrun_is_said_after_it() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    chip.set(map::cndtr(N), 2);
    rise(&chip, &[map::HTIF | map::TCIF | map::TEIF]);
    assert_eq!(read(&mut circular), Err(CircularError::Overrun));
    assert_eq!(read(&mut circular), Err(CircularError::Transfer(TransferError { moved: 4 })));
}

#[test]
fn transfer_without_an_end_ends_by_an_error_only() {
    let chip = Chip::new();
    let Circular { transfer, .. } = started(&chip);
    rise(&chip, &[0, map::HTIF, map::TCIF, map::TEIF]);
    assert!(!transfer.is_done());
    let transfer = transfer.poll().expect_err("half a lap");
    let transfer = transfer.poll().expect_err("a lap");
    chip.set(map::cndtr(N), 2);
    let Ok(Err(failed)) = transfer.poll() else { panic!("an access has failed") };
    assert_eq!(failed.kind, TransferError { moved: 4 });
    assert_eq!((chip.get(map::ccr(N)), chip.get(map::isr())), (0, 0));
}

#[test]
fn buffer_that_a_half_does_not_fit_is_refused_before_anything_is_done() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF]);
    assert_eq!(circular.read(&mut [0; 2]), Err(CircularError::TooSmall { needed: 3 }));
    assert_eq!((circular.half(), chip.steps()), (3, vec![]));
    assert_eq!(read(&mut circular), half(b"abc"));
}

#[test]
fn stop_and_drop_drain_the_channel_before_the_buffer_goes() {
    for drops in [false, true] {
        let chip = Chip::new();
        let circular = started(&chip);
        if drops {
            drop(circular);
        } else {
            assert_eq!(&*circular.stop().0, b"abcdef");
        }
        let ccr = map::ccr(N);
        assert_eq!(chip.steps()[..3], [Step::Write(ccr, 0), Step::Read(ccr), Step::Acquire(6)]);
    }
}

/// Reads for so long from a DMA that writes so many words before each access. Returns how many halves and overruns
/// came.
fn race(words: u32, steps: Vec<u32>, reads: usize) -> (usize, usize) {
    let chip = Chip::new();
    let (_tx, rx) = Usart::with_nine_bits(chip.part::<Usart1>(), 625).split();
    let receiver: Receives<'_, u16> = rx.with_dma(Dma1::split(chip.part()).c5);
    let buffer: &'static mut [u16] = vec![0; words as usize].leak();
    let mut circular = receiver.circular(buffer).expect("it is not refused");
    let Region { pointer, direction, .. } = circular.transfer.region();
    assert_eq!(direction, Direction::DeviceToMemory);
    let walker = Walker { pointer: pointer.cast(), words, channel: N, sent: None, moved: 0, steps, accesses: 0 };
    *chip.walker.borrow_mut() = Some(walker);
    let (mut halves, mut overruns, mut expected, mut lost) = (0, 0, Some(0), None);
    for _read in 0..reads {
        let mut into = vec![0; words as usize / 2];
        match circular.read(&mut into) {
            Ok(None) => {}
            Ok(Some(count)) => {
                let first = into[0];
                let is_whole = (0..).zip(&into).all(|(index, word)| *word == first.wrapping_add(index));
                assert!(is_whole && count == into.len(), "torn: {into:?}");
                assert!(expected.is_none_or(|expected| expected == first), "{first} after {expected:?}: a lap missed");
                assert!(lost.is_none_or(|lost| lost != first), "nothing was lost");
                (lost, expected) = (None, u16::try_from(count).ok().map(|count| first.wrapping_add(count)));
                halves += 1;
            }
            Err(error) => {
                assert_eq!(error, CircularError::Overrun);
                lost = expected.or(lost);
                (overruns, expected) = (overruns + 1, None);
            }
        }
    }
    (halves, overruns)
}

#[test]
fn no_half_is_torn_and_no_lap_is_missed_however_fast_the_dma_is() {
    let (mut halves, mut overruns) = (0, 0);
    for (words, steps) in paces() {
        let counts = race(words, steps, 60);
        halves += counts.0;
        overruns += counts.1;
    }
    assert!(halves > 1000 && overruns > 1000, "{halves} halves and {overruns} overruns: one is not tried");
}

#[test]
fn reader_that_is_quick_enough_loses_nothing() {
    // A word at every eighth access: a half of four words takes longer than a read does.
    let (halves, overruns) = race(8, vec![0, 0, 0, 0, 0, 0, 0, 1], 400);
    assert!(halves > 10 && overruns == 0, "{halves} halves and {overruns} overruns");
}

#[test]
fn circular_transfer_shows_its_memory_and_the_half_that_is_next() {
    let chip = Chip::new();
    let circular = started(&chip);
    let shown = format!("{circular:?}");
    assert!(shown.starts_with("Circular { transfer: Transfer { region: Region { pointer: 0x"), "{shown}");
    assert!(shown.ends_with("length: 6, direction: DeviceToMemory }, .. }, next: Some(First) }"), "{shown}");
}
