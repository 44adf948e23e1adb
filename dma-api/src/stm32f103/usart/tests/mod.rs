//! USART and channels against registers that hold what a test puts there.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::format;
use std::vec::Vec;

use super::*;
use crate::address::{BusAddress, Direction};
use crate::stm32f103::dma::{StartError, TransferError, map as dma};
use crate::stm32f103::fake::{Chip, Part, Step};
use crate::transfer::{Failed, Held, Refused};
use map::sr;

mod receiving;

type Sends<'a, W = u8> = Sender<Part<'a, Usart1>, Usart1, Part<'a, Dma1>, W>;
type Receives<'a, W = u8> = Receiver<Part<'a, Usart1>, Usart1, Part<'a, Dma1>, W>;

/// The channels' places in arrays of registers.
const TRANSMIT: u16 = 3;
const RECEIVE: u16 = 4;

/// SR of a receiver with nothing to say.
const QUIET: u32 = sr::TXE.mask() | sr::TC.mask();

const ERRORS: [(u32, LineError); 4] = [
    (sr::ORE.mask(), LineError::Overrun),
    (sr::FE.mask(), LineError::Framing),
    (sr::NE.mask(), LineError::Noise),
    (sr::PE.mask(), LineError::Parity),
];

fn settings() -> Settings {
    Settings { brr: 625, parity: Parity::None }
}

fn usart(chip: &Chip) -> Usart<Part<'_, Usart1>, Usart1> {
    Usart::new(chip.part(), settings())
}

/// Both directions, whose log is empty.
fn pair(chip: &Chip) -> (Sends<'_>, Receives<'_>) {
    let channels = Dma1::split(chip.part());
    let (tx, rx) = usart(chip).split();
    chip.steps();
    (tx.with_dma(channels.c4), rx.with_dma(channels.c5))
}

/// The same, in frames of 9 bits.
fn pair_of_nine(chip: &Chip) -> (Sends<'_, u16>, Receives<'_, u16>) {
    let channels = Dma1::split(chip.part());
    let (tx, rx) = Usart::with_nine_bits(chip.part(), 625).split();
    (tx.with_dma(channels.c4), rx.with_dma(channels.c5))
}

fn buffer<W: Frame + Default>(length: usize) -> &'static mut [W] {
    std::vec![W::default(); length].leak()
}

/// The channel has moved all items, or so many are left and an access has failed.
fn ends(chip: &Chip, n: u16, failed_with_left: Option<u32>) {
    let flag = if failed_with_left.is_some() { dma::TEIF } else { dma::TCIF };
    chip.set(dma::cndtr(n), failed_with_left.unwrap_or(0));
    chip.set(dma::isr(), chip.get(dma::isr()) | flag << dma::flags_of(n));
}

/// The DMA reads a frame from DR.
fn dma_reads_a_frame(chip: &Chip) {
    Registers::read(&chip.part::<Usart1>(), map::dr());
}

fn usart_reads(steps: &[Step]) -> usize {
    steps.iter().filter(|step| matches!(step, Step::UsartRead(_))).count()
}

#[test]
fn usart_is_turned_on_after_what_was_left_is_gone() {
    let chip = Chip::new();
    chip.set_usart(sr(), QUIET | sr::RXNE.mask() | sr::ORE.mask());
    let mut usart = usart(&chip);
    let expected = [
        Step::UsartWrite(map::cr1(), 0),
        Step::UsartWrite(map::cr2(), 0),
        Step::UsartWrite(map::cr3(), 0),
        Step::UsartRead(sr()),
        Step::UsartRead(map::dr()),
        Step::UsartWrite(map::brr(), 625),
        Step::UsartWrite(map::cr1(), 0x200C),
    ];
    assert_eq!(chip.steps(), expected);
    assert_eq!(chip.get_usart(sr()), QUIET);
    // Nor is it reported.
    chip.set_usart(sr(), QUIET | sr::RXNE.mask());
    assert!(usart.read().is_ok());
}

#[test]
fn format_says_parity_and_width() {
    let formats = [Parity::None, Parity::Even, Parity::Odd].map(|parity| {
        let chip = Chip::new();
        let _usart: Usart<_, Usart1> = Usart::new(chip.part::<Usart1>(), Settings { parity, ..settings() });
        chip.get_usart(map::cr1())
    });
    assert_eq!(formats, [0x200C, 0x340C, 0x360C]);
    let chip = Chip::new();
    let _usart = Usart::<_, Usart1, u16>::with_nine_bits(chip.part::<Usart1>(), 625);
    assert_eq!(chip.get_usart(map::cr1()), 0x300C);
}

#[test]
fn baud_rate_is_rounded_and_checked() {
    let brr = |clocks, bits| Settings::for_baud(clocks, bits).map(|settings| settings.brr);
    assert_eq!(
        [brr(72_000_000, 115_200), brr(36_000_000, 9_600), brr(8_000_000, 115_200)].map(Option::unwrap),
        [625, 3750, 69]
    );
    assert_eq!([brr(72_000_000, 0), brr(72_000_000, 4_800_000), brr(72_000_000, 1_000), brr(u32::MAX, 9)], [None; 4]);
    assert_eq!([brr(72_000_000, 4_500_000), brr(655_350, 10), brr(655_360, 10)], [Some(16), Some(0xFFFF), None]);
    assert_eq!(brr(36_000_000, 115_200), Some(313), "312.5");
}

#[test]
fn read_gives_the_frame_and_each_error_once() {
    let chip = Chip::new();
    let mut usart = usart(&chip);
    chip.set_usart(map::dr(), 0x141);
    chip.set_usart(sr(), QUIET | sr::RXNE.mask());
    assert_eq!(usart.read(), Ok(0x41));
    for (flag, error) in ERRORS {
        chip.set_usart(sr(), QUIET | sr::RXNE.mask() | flag);
        assert_eq!(usart.read(), Err(error));
        assert_eq!(chip.get_usart(sr()), QUIET, "by SR and then DR");
        chip.set_usart(sr(), QUIET | sr::RXNE.mask());
        assert_eq!(usart.read(), Ok(0x41));
    }
}

#[test]
fn frame_of_nine_bits_keeps_its_ninth() {
    let chip = Chip::new();
    let mut usart = Usart::<_, Usart1, u16>::with_nine_bits(chip.part::<Usart1>(), 625);
    chip.set_usart(map::dr(), 0xFFFF_FF41);
    chip.set_usart(sr(), QUIET | sr::RXNE.mask());
    assert_eq!(usart.read(), Ok(0x141));
    usart.write(0xFFFF);
    assert_eq!(chip.get_usart(map::dr()), 0x1FF);
}

#[test]
fn split_sets_both_requests_and_no_half_writes_cr3() {
    let chip = Chip::new();
    let (tx, rx) = usart(&chip).split();
    assert_eq!(chip.steps().last(), Some(&Step::UsartWrite(map::cr3(), 0xC0)));
    let channels = Dma1::split(chip.part());
    let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
    let (sent, received) = (sender.write_all(&b"ab"[..]).unwrap(), receiver.read_exact(buffer::<u8>(2)).unwrap());
    let (_sender, _receiver) = (sent.stop(), received.stop());
    assert!(!chip.steps().iter().any(|step| matches!(step, Step::UsartWrite(offset, _) if *offset == map::cr3())));
}

#[test]
fn sender_clears_tc_by_a_constant_and_reads_brr_back_before_it_enables_its_channel() {
    let chip = Chip::new();
    let (sender, _receiver) = pair(&chip);
    let transfer = sender.write_all(&b"abc"[..]).expect("it is not refused");
    let flags = dma::GIF << dma::flags_of(TRANSMIT);
    let expected = [
        Step::Write(dma::ifcr(), flags),
        Step::Release(3, Direction::MemoryToDevice),
        Step::Write(dma::cpar(TRANSMIT), 0x4001_3804),
        Step::Write(dma::cmar(TRANSMIT), 0x2000_0000),
        Step::Write(dma::cndtr(TRANSMIT), 3),
        Step::UsartWrite(sr(), 0x3BF),
        Step::UsartRead(map::brr()),
        Step::Write(dma::ccr(TRANSMIT), 0x091),
    ];
    assert_eq!(chip.steps(), expected);
    ends(&chip, TRANSMIT, None);
    assert!(transfer.is_done());
    let (buffer, _sender) = transfer.wait().expect("it does not fail");
    assert_eq!((buffer, usart_reads(&chip.steps())), (&b"abc"[..], 0));
}

#[test]
fn refused_sender_comes_back_with_its_buffer_and_tc_stays() {
    let chip = Chip::new();
    let (sender, mut receiver) = pair(&chip);
    chip.address.set(0x1000_0000);
    let Err(Refused { kind, channel: mut sender, buffer }) = sender.write_all(&b"abc"[..]) else {
        panic!("the DMA has no access there")
    };
    let address = BusAddress::new(0x1000_0000);
    assert_eq!((kind, buffer), (StartError::OutOfReach { address }, &b"abc"[..]));
    assert_eq!(chip.get_usart(sr()), QUIET, "TC would never come");
    assert!(sender.is_flushed(&mut receiver));
}

#[test]
fn flush_waits_for_tc_only_if_frames_were_sent() {
    let chip = Chip::new();
    let (mut sender, mut receiver) = pair(&chip);
    // Nothing was sent: nothing is asked for.
    chip.set_usart(sr(), sr::TXE.mask());
    assert!(sender.is_flushed(&mut receiver));
    assert_eq!(usart_reads(&chip.steps()), 0);
    // A transfer that was stopped before its first frame: TC was cleared, and does not come.
    chip.set_usart(sr(), QUIET);
    let (_, stopped, moved) = sender.write_all(&b"abc"[..]).expect("it is not refused").stop();
    (sender, _) = (stopped, assert_eq!((moved, chip.get_usart(sr())), (0, sr::TXE.mask())));
    assert!(sender.is_flushed(&mut receiver));
    // One that has sent: TC says.
    let transfer = sender.write_all(&b"abc"[..]).expect("it is not refused");
    ends(&chip, TRANSMIT, None);
    (_, sender) = transfer.wait().expect("it does not fail");
    assert!(!sender.is_flushed(&mut receiver));
    // One that follows it at once, and sends nothing: TC may have come before it was cleared.
    (_, sender, _) = sender.write_all(&b"abc"[..]).expect("it is not refused").stop();
    chip.set_usart(sr(), 0);
    assert!(!sender.is_flushed(&mut receiver), "a frame is in TDR");
    // And one more.
    (_, sender, _) = sender.write_all(&b"abc"[..]).expect("it is not refused").stop();
    assert!(!sender.is_flushed(&mut receiver), "it is there still");
    chip.set_usart(sr(), sr::TXE.mask());
    assert!(sender.is_flushed(&mut receiver));
    // After one that fails in the middle TC says.
    let transfer = sender.write_all(&b"abc"[..]).expect("it is not refused");
    ends(&chip, TRANSMIT, Some(1));
    let Err(Failed { kind, channel: mut sender, .. }) = transfer.wait() else { panic!("it fails") };
    assert_eq!(kind, TransferError { moved: 2 });
    assert!(!sender.is_flushed(&mut receiver));
    chip.set_usart(sr(), QUIET);
    sender.flush(&mut receiver);
}

#[test]
fn error_that_flush_has_seen_is_reported_although_the_dma_has_cleared_it() {
    for (flag, error) in ERRORS {
        let chip = Chip::new();
        let (sender, receiver) = pair(&chip);
        let mut received = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
        let transfer = sender.write_all(&b"a"[..]).expect("it is not refused");
        ends(&chip, TRANSMIT, None);
        let (_, mut sender) = transfer.wait().expect("it does not fail");
        chip.set_usart(sr(), QUIET | sr::RXNE.mask() | flag);
        sender.flush(&mut received);
        dma_reads_a_frame(&chip);
        assert_eq!(chip.get_usart(sr()), QUIET, "the flag is gone");
        chip.set_usart(sr(), QUIET | sr::RXNE.mask());
        ends(&chip, RECEIVE, None);
        let Err(Failed { kind, channel: receiver, buffer }) = received.wait() else { panic!("it fails") };
        assert_eq!(kind, ReceiveError::Line(error));
        assert!(sr::RXNE.is_set(chip.get_usart(sr())), "there was no flag to clear: the frame that waits is left");
        // Once.
        assert!(receiver.read_exact(buffer).is_ok());
    }
}

#[test]
fn frame_is_written_when_there_is_room_and_flush_waits_for_it() {
    let chip = Chip::new();
    let (mut tx, mut rx) = usart(&chip).split();
    // There is room after three looks: one is this test's, two are the driver's.
    struct After<'a, 'b>(&'a Chip, &'a mut Rx<Part<'b, Usart1>, Usart1>, u32);
    impl rx::sealed::Sealed for After<'_, '_> {}
    impl Status<Usart1> for After<'_, '_> {
        fn status(&mut self) -> u32 {
            self.2 += 1;
            if self.2 == 3 {
                self.0.set_usart(sr(), sr::TXE.mask());
            }
            self.1.status()
        }
    }
    chip.set_usart(sr(), 0);
    chip.set_usart(map::dr(), 0);
    let mut status = After(&chip, &mut rx, 0);
    tx.write(0x41, &mut status);
    assert_eq!((status.2, chip.get_usart(map::dr())), (3, 0x41));
    assert!(!tx.is_flushed(&mut rx), "TXE says that it has left TDR, not that it is over the wire");
    chip.set_usart(sr(), QUIET);
    assert!(tx.is_flushed(&mut rx));
}

#[test]
fn usart_that_is_whole_asks_for_tc_after_a_frame_and_not_without_one() {
    let chip = Chip::new();
    let mut usart = usart(&chip);
    chip.set_usart(sr(), QUIET);
    for (sends, reads) in [(false, 0), (true, 1)] {
        if sends {
            usart.write(0x41);
        }
        chip.steps();
        usart.flush();
        assert_eq!(usart_reads(&chip.steps()), reads);
    }
}

#[test]
fn both_directions_run_at_once() {
    let chip = Chip::new();
    let (sender, receiver) = pair(&chip);
    let received = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
    let sent = sender.write_all(&b"abc"[..]).expect("it is not refused");
    ends(&chip, TRANSMIT, None);
    assert!(sent.is_done() && !received.is_done());
    let (_, sender) = sent.wait().expect("it does not fail");
    let received = received.poll().expect_err("the end of the other is not its own");
    ends(&chip, RECEIVE, None);
    let (_, receiver) = received.wait().expect("it does not fail");
    assert_eq!(chip.get(dma::isr()), 0);
    let (_tx, channel) = sender.into_parts();
    let (_rx, _channel) = (receiver.into_parts(), channel);
}

#[test]
fn scope_lends_borrowed_words_and_waits() {
    let chip = Chip::new();
    let (mut sender, mut receiver) = pair(&chip);
    let outcome = sender.scope(b"abc", |running| {
        let before = (running.is_done(), running.moved());
        ends(&chip, TRANSMIT, None);
        (before, running.is_done(), running.moved())
    });
    assert_eq!(outcome, Ok((((false, 0), true, 3), Ok(()))));
    let mut bytes = [0; 4];
    let outcome = receiver.scope(&mut bytes, |_| ends(&chip, RECEIVE, Some(3)));
    assert_eq!(outcome, Ok(((), Err(ReceiveError::Transfer(TransferError { moved: 1 })))));
    let (mut sender_of_nine, mut receiver_of_nine) = pair_of_nine(&chip);
    let lent = sender_of_nine.scope(&[1, 2, 3], |_| {
        let lent = chip.get(dma::cndtr(TRANSMIT));
        ends(&chip, TRANSMIT, None);
        lent
    });
    assert_eq!(lent, Ok((3, Ok(()))), "words, which are twice as many bytes");
    let lent = receiver_of_nine.scope(&mut [0; 3], |_| {
        let lent = chip.get(dma::cndtr(RECEIVE));
        ends(&chip, RECEIVE, None);
        lent
    });
    assert_eq!(lent, Ok((3, Ok(()))));
    assert_eq!(sender.scope(&[], |_| ()), Err(StartError::Empty));
    assert_eq!(receiver.scope(&mut [], |_| ()), Err(ReceiveStartError::Start(StartError::Empty)));
}

#[test]
fn borrowed_words_can_be_lent_by_a_promise() {
    let chip = Chip::new();
    let (sender, receiver) = pair(&chip);
    let (out, mut into) = (*b"abc", [0; 3]);
    // SAFETY:
    // - It is stopped below.
    let sent = unsafe { sender.write_all_borrowed(&out) }.expect("it is not refused");
    // SAFETY:
    // - It is stopped below.
    let received = unsafe { receiver.read_exact_borrowed(&mut into) }.expect("it is not refused");
    assert_eq!((sent.stop().0, received.stop().0), (&out[..], &mut [0; 3][..]));
}

#[test]
fn transfer_that_is_awaited_is_ready_when_its_channel_has_ended() {
    let chip = Chip::new();
    let (sender, _receiver) = pair(&chip);
    let mut future = sender.write_all(&b"abc"[..]).expect("it is not refused").into_future();
    let context = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut future).poll(context).is_pending());
    ends(&chip, TRANSMIT, None);
    let Poll::Ready(Ok((bytes, _sender))) = Pin::new(&mut future).poll(context) else { panic!("it has ended") };
    assert_eq!(bytes, b"abc");
}

#[test]
fn transfer_that_is_dropped_disables_its_channel_and_reads_it_back_before_the_fence() {
    let chip = Chip::new();
    let (_sender, receiver) = pair(&chip);
    let transfer = receiver.read_exact(buffer::<u8>(4)).expect("it is not refused");
    chip.steps();
    drop(transfer);
    let steps: Vec<_> = chip.steps();
    let ccr = dma::ccr(RECEIVE);
    assert_eq!(steps[..3], [Step::Write(ccr, 0), Step::Read(ccr), Step::Acquire(4)]);
}

#[test]
fn direction_and_what_it_runs_show_what_they_are() {
    let chip = Chip::new();
    let (mut sender, receiver) = pair(&chip);
    let shown = (format!("{sender:?}"), format!("{receiver:?}"));
    assert_eq!(shown, ("Sender { .. }".into(), "Receiver { .. }".into()));
    let words = b"abc";
    let region = Held::borrowed(words).region();
    let outcome = sender.scope(words, |running| {
        ends(&chip, TRANSMIT, None);
        format!("{running:?}")
    });
    assert_eq!(outcome, Ok((format!("Transfer {{ region: {region:?}, .. }}"), Ok(()))));
}
