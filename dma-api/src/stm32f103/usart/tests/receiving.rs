//! What a receiver reports, and how far it has come.

use super::*;

#[test]
fn receiver_refuses_after_an_error_once_and_clears_it() {
    for (flag, error) in ERRORS {
        let chip = Chip::new();
        let (_sender, receiver) = pair(&chip);
        chip.set_usart(sr(), QUIET | sr::RXNE.mask() | flag);
        let Err(Refused { kind, channel, buffer }) = receiver.read_exact(buffer::<u8>(2)) else {
            panic!("frames were lost, or wrong")
        };
        assert_eq!(kind, ReceiveStartError::Line(error));
        assert_eq!((chip.get_usart(sr()), chip.get(dma::ccr(RECEIVE))), (QUIET, 0));
        assert!(channel.read_exact(buffer).is_ok());
    }
}

#[test]
fn frame_that_waits_is_left_for_the_dma() {
    let chip = Chip::new();
    let (_sender, receiver) = pair(&chip);
    chip.set_usart(sr(), QUIET | sr::RXNE.mask());
    let _transfer = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
    let expected = [
        Step::UsartRead(sr()),
        Step::Write(dma::ifcr(), dma::GIF << dma::flags_of(RECEIVE)),
        Step::Release(2, Direction::DeviceToMemory),
        Step::Write(dma::cpar(RECEIVE), 0x4001_3804),
        Step::Write(dma::cmar(RECEIVE), 0x2000_0000),
        Step::Write(dma::cndtr(RECEIVE), 2),
        Step::Write(dma::ccr(RECEIVE), 0x081),
    ];
    assert_eq!(chip.steps(), expected);
}

#[test]
fn receiver_reports_what_went_wrong_on_the_line_at_the_end() {
    for (flag, error) in ERRORS {
        let chip = Chip::new();
        let (_sender, receiver) = pair(&chip);
        let transfer = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
        chip.set_usart(sr(), QUIET | flag);
        let transfer = transfer.poll().expect_err("it runs");
        ends(&chip, RECEIVE, None);
        let Err(Failed { kind, .. }) = transfer.wait() else { panic!("it fails") };
        assert_eq!((kind, chip.get_usart(sr())), (ReceiveError::Line(error), QUIET));
    }
    assert_eq!(LineError::of(0xF), Some(LineError::Overrun), "what is lost comes first");
}

#[test]
fn receiver_that_ends_well_does_not_take_the_frame_after() {
    let chip = Chip::new();
    let (_sender, receiver) = pair(&chip);
    let transfer = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
    ends(&chip, RECEIVE, None);
    chip.set_usart(sr(), QUIET | sr::RXNE.mask());
    assert!(transfer.wait().is_ok());
    assert!(sr::RXNE.is_set(chip.get_usart(sr())));
}

#[test]
fn receiver_says_how_far_an_error_of_the_dma_let_it_come() {
    let chip = Chip::new();
    let (_sender, receiver) = pair_of_nine(&chip);
    let transfer = receiver.read_exact(buffer::<u16>(8)).expect("it is not refused");
    ends(&chip, RECEIVE, Some(3));
    let Err(Failed { kind, .. }) = transfer.wait() else { panic!("it fails") };
    assert_eq!(kind, ReceiveError::Transfer(TransferError { moved: 5 }));
}

#[test]
fn error_in_a_transfer_that_is_stopped_is_reported_by_the_next_start() {
    let chip = Chip::new();
    let (_sender, receiver) = pair(&chip);
    let transfer = receiver.read_exact(buffer::<u8>(2)).expect("it is not refused");
    chip.set_usart(sr(), QUIET | sr::FE.mask());
    chip.set(dma::cndtr(RECEIVE), 1);
    let (buffer, receiver, moved) = transfer.stop();
    let refused = receiver.read_exact(buffer).expect_err("a frame was wrong");
    assert_eq!((moved, refused.kind), (1, ReceiveStartError::Line(LineError::Framing)));
}

#[test]
fn counts_are_in_bytes_and_cndtr_in_frames() {
    let chip = Chip::new();
    let (sender, receiver) = pair_of_nine(&chip);
    let transfer = receiver.read_exact(buffer::<u16>(8)).expect("it is not refused");
    assert_eq!((chip.get(dma::cndtr(RECEIVE)), chip.get(dma::ccr(RECEIVE))), (8, 0x581));
    chip.set(dma::cndtr(RECEIVE), 5);
    assert_eq!((transfer.moved(), transfer.stop().2), (6, 6));
    let words: &'static [u16] = buffer(8);
    let transfer = sender.write_all(words).expect("it is not refused");
    assert_eq!((chip.get(dma::cndtr(TRANSMIT)), chip.get(dma::ccr(TRANSMIT))), (8, 0x591));
    chip.set(dma::cndtr(TRANSMIT), 5);
    assert_eq!((transfer.moved(), transfer.stop().2), (6, 6));
}

#[test]
fn received_copies_the_frames_that_stand_still_and_no_other() {
    let chip = Chip::new();
    let (_sender, receiver) = pair(&chip);
    let bytes = buffer::<u8>(8);
    bytes.copy_from_slice(b"abcdefgh");
    let transfer = receiver.read_exact(bytes).expect("it is not refused");
    chip.steps();
    for (left, room, expected) in [(8, 8, ""), (5, 8, "abc"), (5, 2, "ab"), (0, 8, "abcdefgh"), (0, 0, "")] {
        chip.set(dma::cndtr(RECEIVE), left);
        let mut into = [0; 8];
        let count = transfer.received(&mut into[..room]);
        assert_eq!(&into[..count], expected.as_bytes());
        assert!(into[count..].iter().all(|byte| *byte == 0));
        let steps = [Step::Read(dma::cndtr(RECEIVE)), Step::Snapshot(expected.len())];
        assert_eq!(chip.steps(), steps, "first how many, then the copy");
    }
}

#[test]
fn received_copies_frames_of_nine_bits_whole() {
    let chip = Chip::new();
    let (_sender, receiver) = pair_of_nine(&chip);
    let words = buffer::<u16>(4);
    words.copy_from_slice(&[0x1AB, 0x0CD, 0x1EF, 0x012]);
    let transfer = receiver.read_exact(words).expect("it is not refused");
    chip.set(dma::cndtr(RECEIVE), 1);
    let mut into = [0; 4];
    assert_eq!((transfer.received(&mut into), into), (3, [0x1AB, 0x0CD, 0x1EF, 0]));
}
