//! Sending.

use std::vec;
use std::vec::Vec;

use super::super::*;
use super::paces;
use crate::address::Direction;
use crate::stm32f103::dma::{Dma1, StartError};
use crate::stm32f103::fake::{Chip, Part, Step, Walker};
use crate::stm32f103::usart::map::sr;
use crate::stm32f103::usart::{Parity, Rx, Sender, Settings, Usart, Usart1};

type Sends<'a, W> = Sender<Part<'a, Usart1>, Usart1, Part<'a, Dma1>, W>;

/// The channel's place in arrays of registers.
const N: u16 = 3;

fn sender(chip: &Chip) -> (Sends<'_, u8>, Rx<Part<'_, Usart1>, Usart1>) {
    let (tx, rx) = Usart::new(chip.part(), Settings { brr: 625, parity: Parity::None }).split();
    (tx.with_dma(Dma1::split(chip.part()).c4), rx)
}

fn bytes(content: &[u8]) -> &'static mut [u8] {
    content.to_vec().leak()
}

/// A buffer of two halves, "abc" and "def".
fn started(chip: &Chip) -> Circular<&'static mut [u8], Sends<'_, u8>> {
    let circular = sender(chip).0.circular(bytes(b"abcdef")).expect("it is not refused");
    chip.steps();
    circular
}

/// Flags rise before the next reads of ISR.
fn rise(chip: &Chip, flags: &[u32]) {
    *chip.rises.borrow_mut() = flags.iter().map(|flags| flags << map::flags_of(N)).collect();
}

#[test]
fn buffer_without_two_equal_halves_is_refused_and_comes_back() {
    let chip = Chip::new();
    let Refused { kind, channel, buffer } = sender(&chip).0.circular(bytes(b"abc")).expect_err("3 words");
    assert_eq!((kind, &*buffer), (CircularStartError::Odd { words: 3 }, &b"abc"[..]));
    let refused = channel.circular(bytes(b"")).expect_err("no words");
    assert_eq!(refused.kind, CircularStartError::Start(StartError::Empty));
    assert!(refused.channel.circular(bytes(b"ab")).is_ok());
    assert_eq!(chip.get(map::ccr(N)), 0, "and it was stopped");
}

#[test]
fn channel_is_started_circular_and_reads_memory() {
    let chip = Chip::new();
    let circular = sender(&chip).0.circular(bytes(b"abcdef")).expect("it is not refused");
    assert_eq!((chip.get(map::ccr(N)), chip.get(map::cndtr(N))), (0x0B1, 6));
    assert_eq!(circular.transfer.region().direction, Direction::MemoryToDevice);
}

#[test]
fn halves_are_filled_in_turn_once_the_dma_is_through_with_them() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    for _lap in 0..3 {
        assert_eq!(circular.write(b"123"), Ok(None));
        rise(&chip, &[map::HTIF]);
        assert_eq!(circular.write(b"123"), Ok(Some(3)));
        assert_eq!(circular.write(b"456"), Ok(None));
        rise(&chip, &[map::TCIF]);
        assert_eq!(circular.write(b"4567"), Ok(Some(3)));
    }
    assert_eq!(chip.get(map::isr()), 0);
    assert_eq!(&*circular.stop().0, b"123456");
}

#[test]
fn half_is_filled_between_the_look_and_the_write_that_hands_it_over() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF]);
    assert_eq!(circular.write(b"123"), Ok(Some(3)));
    let expected = [
        Step::Read(map::isr()),
        Step::Fill(3),
        Step::Write(map::ifcr(), map::HTIF << map::flags_of(N)),
        Step::Read(map::isr()),
    ];
    assert_eq!(chip.steps(), expected);
}

#[test]
fn lap_before_the_fill_and_lap_during_it_are_underruns_once() {
    for flags in [&[map::HTIF | map::TCIF][..], &[map::HTIF, map::TCIF]] {
        let chip = Chip::new();
        let mut circular = started(&chip);
        chip.set(map::cndtr(N), 5);
        rise(&chip, flags);
        assert_eq!(circular.write(b"123"), Err(CircularSendError::Underrun));
        assert_eq!(circular.write(b"123"), Ok(None), "{flags:?}");
        rise(&chip, &[map::HTIF]);
        assert_eq!(circular.write(b"123"), Ok(Some(3)));
    }
}

#[test]
fn less_than_a_half_is_refused_before_anything_is_done() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    rise(&chip, &[map::HTIF]);
    assert_eq!(circular.write(b"12"), Err(CircularSendError::TooShort { needed: 3 }));
    assert_eq!((circular.half(), chip.steps()), (3, vec![]));
    assert_eq!(circular.write(b"123"), Ok(Some(3)));
}

#[test]
fn error_of_the_dma_ends_it() {
    let chip = Chip::new();
    let mut circular = started(&chip);
    chip.set(map::cndtr(N), 2);
    rise(&chip, &[map::HTIF | map::TEIF]);
    assert_eq!(circular.write(b"123"), Ok(Some(3)));
    for _again in 0..2 {
        assert_eq!(circular.write(b"456"), Err(CircularSendError::Transfer(TransferError { moved: 4 })));
    }
    assert!(circular.stop().1.circular(bytes(b"ab")).is_ok());
}

/// What `flush` waits for after a stop: TC if a word was sent, and nothing if none was.
#[test]
fn frames_that_were_sent_are_flushed_however_the_lap_stands() {
    // What CNDTR says at the stop, what ISR does, and what a turn had seen there before.
    for (left, flags, turned, sent) in [
        (6, 0, None, false),
        (6, 0, Some(0), false),
        (5, 0, None, true),
        (6, map::HTIF | map::TCIF, None, true),
        (6, 0, Some(map::HTIF), true),
    ] {
        let chip = Chip::new();
        let (sender, mut rx) = sender(&chip);
        let mut circular = sender.circular(bytes(b"abcdef")).expect("it is not refused");
        if let Some(seen) = turned {
            rise(&chip, &[seen]);
            assert_eq!(circular.write(b"123"), Ok((seen != 0).then_some(3)));
        }
        chip.set(map::cndtr(N), left);
        rise(&chip, &[flags]);
        let (_, mut sender) = circular.stop();
        assert_eq!(chip.get(map::isr()), 0);
        // The last frame is on the wire.
        chip.set_usart(sr(), sr::TXE.mask());
        assert_eq!(sender.is_flushed(&mut rx), !sent, "{left} left, {flags:#x}, {turned:?}");
        chip.set_usart(sr(), sr::TXE.mask() | sr::TC.mask());
        assert!(sender.is_flushed(&mut rx));
    }
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
        let steps = chip.steps();
        let acquired = steps.iter().position(|step| *step == Step::Acquire(6)).expect("it is taken back");
        assert_eq!(steps[..2], [Step::Write(ccr, 0), Step::Read(ccr)]);
        assert!(!steps[2..acquired].iter().any(|step| matches!(step, Step::Write(_, value) if *value != 0)));
    }
}

/// Writes for so long to a DMA that reads so many words before each access. Returns how many halves and underruns
/// there were.
fn race(words: u32, steps: Vec<u32>, writes: usize) -> (usize, usize) {
    let chip = Chip::new();
    let (tx, _rx) = Usart::with_nine_bits(chip.part::<Usart1>(), 625).split();
    let sender: Sends<'_, u16> = tx.with_dma(Dma1::split(chip.part()).c4);
    let half = words as usize / 2;
    // The first lap is 0 and 1, half by half, and then it is the number of the half.
    let buffer: &'static mut [u16] = [vec![0; half], vec![1; half]].concat().leak();
    let mut circular = sender.circular(buffer).expect("it is not refused");
    let pointer = circular.transfer.region().pointer.cast();
    let walker = Walker { pointer, words, channel: N, sent: Some(vec![]), moved: 0, steps, accesses: 0 };
    *chip.walker.borrow_mut() = Some(walker);
    let (mut handed, mut underruns) = (vec![0, 1], 0);
    for _write in 0..writes {
        let next = u16::try_from(handed.len()).expect("there are few");
        match circular.write(&vec![next; half]) {
            Ok(None) => {}
            Ok(Some(count)) => {
                assert_eq!(count, half);
                handed.push(next);
            }
            Err(error) => {
                assert_eq!(error, CircularSendError::Underrun);
                underruns += 1;
            }
        }
    }
    let sent = chip.walker.take().and_then(|walker| walker.sent).expect("it sends");
    let is_whole = |sent: &&[u16]| sent.iter().all(|word| *word == sent[0]);
    let mut whole = sent.chunks_exact(half).filter(is_whole).map(|sent| sent[0]);
    // The last of them, the DMA has not come to.
    let mut is_sent = |number: &u16| whole.any(|sent| sent == *number);
    let count = handed.iter().copied().take_while(&mut is_sent).count();
    assert!(count + 2 >= handed.len(), "{handed:?} were handed over: {sent:?}");
    if underruns == 0 {
        assert!(
            sent.chunks(half).zip(&handed).all(|(sent, number)| sent.iter().all(|word| word == number)),
            "{sent:?}"
        );
    }
    (handed.len() - 2, underruns)
}

#[test]
fn no_half_is_torn_and_no_lap_is_missed_however_fast_the_dma_is() {
    let (mut halves, mut underruns, mut whole) = (0, 0, 0);
    for (words, steps) in paces() {
        let counts = race(words, steps, 60);
        halves += counts.0;
        underruns += counts.1;
        whole += usize::from(counts.0 > 2 && counts.1 == 0);
    }
    assert!(halves > 1000 && underruns > 1000, "{halves} halves and {underruns} underruns: one is not tried");
    assert!(whole > 20, "{whole} runs without an underrun");
}

#[test]
fn writer_that_is_quick_enough_loses_nothing() {
    let (halves, underruns) = race(8, vec![0, 0, 0, 0, 0, 0, 0, 1], 400);
    assert!(halves > 10 && underruns == 0, "{halves} halves and {underruns} underruns");
}
