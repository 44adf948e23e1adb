//! A buffer that the DMA goes round while the CPU copies from it and to it.
//!
//! The DMA is granted its items, so that it is in the other half while the CPU has one: an access of the CPU's to more
//! than its half is a data race. The last item of a half comes after the CPU's turn: it would be an overrun.

use tests::chip::Chip;
use tests::chip::parts;

use crate::{elsewhere, on_a_chip};

/// Lets the DMA move so many items, and waits until it has.
fn moves(chip: &Chip, items: usize) {
    chip.grant(items);
    while !chip.is_spent() {}
}

/// Does `turn` while the DMA goes through a half of four items, but for the last; then that.
fn meanwhile(chip: &Chip, turn: impl FnOnce()) {
    chip.grant(3);
    turn();
    while !chip.is_spent() {}
    moves(chip, 1);
}

#[test]
fn halves_are_copied_while_the_other_is_filled() {
    on_a_chip(|chip| {
        chip.grant(0);
        let (_, receiver) = parts::halves_of(chip);
        let mut circular = elsewhere(receiver.circular(Box::new([0; 8])).expect("8 is even"));
        let mut all = Vec::new();
        moves(chip, 4);
        for _ in 0..4 {
            let mut half = [0; 4];
            meanwhile(chip, || assert_eq!(circular.read(&mut half), Ok(Some(4))));
            all.extend(half);
            circular = elsewhere(*circular);
        }
        let (_buffer, _receiver) = circular.stop();
        assert_eq!(all, (1..=16).collect::<Vec<u8>>());
    });
}

#[test]
fn halves_are_filled_while_the_other_is_sent() {
    on_a_chip(|chip| {
        chip.grant(0);
        let (sender, _) = parts::halves_of(chip);
        let buffer: &'static mut [u8; 8] = Box::leak(Box::new([1, 2, 3, 4, 5, 6, 7, 8]));
        let mut circular = elsewhere(sender.circular(buffer).expect("8 is even"));
        moves(chip, 4);
        for half in [[9, 10, 11, 12], [13, 14, 15, 16]] {
            meanwhile(chip, || assert_eq!(circular.write(&half), Ok(Some(4))));
            circular = elsewhere(*circular);
        }
        moves(chip, 4);
        let (buffer, _sender) = circular.stop();
        buffer.fill(0);
        assert_eq!(chip.sent(), (1..=16).collect::<Vec<u8>>());
    });
}

#[test]
fn buffer_of_a_circular_transfer_is_freed_after_it_is_dropped() {
    on_a_chip(|chip| {
        let (_, receiver) = parts::halves_of(chip);
        drop(elsewhere(receiver.circular(vec![0; 64]).expect("64 is even")));
        let (sender, _) = parts::halves_of(chip);
        drop(elsewhere(sender.circular(vec![0; 64]).expect("64 is even")));
    });
}
