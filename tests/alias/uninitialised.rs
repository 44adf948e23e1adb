//! A buffer that nobody has initialised, and the DMA in part.

use std::mem::MaybeUninit;

use dma_api::transfer::Transfer;
use tests::chip::Chip;
use tests::chip::parts::{self, Receiver};

use crate::{counting, elsewhere, on_a_chip};

type Uninit = Box<[MaybeUninit<u8>]>;

/// Starts to receive 8 bytes into memory without a value. The DMA moves as many as are granted.
fn receives(chip: &'static Chip) -> Transfer<Uninit, Receiver> {
    let buffer = Box::<[u8]>::new_uninit_slice(8);
    *elsewhere(parts::halves_of(chip).1.read_exact(buffer).expect("it is not refused"))
}

/// The first bytes.
///
/// # Safety
///
/// - They were written.
unsafe fn first(buffer: &Uninit, length: usize) -> Vec<u8> {
    // SAFETY:
    // - It was written: the caller's debt, passed on unchanged.
    buffer[..length].iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

#[test]
fn prefix_is_copied_while_the_rest_is_written() {
    on_a_chip(|chip| {
        chip.grant(3);
        let transfer = receives(chip);
        while !chip.is_spent() {}
        // It goes on while the copy is made.
        chip.grant(5);
        let mut into = [0; 8];
        let count = transfer.received(&mut into);
        assert!(count >= 3);
        assert_eq!((&into[..count], &into[count..]), (&counting(8)[..count], &[0; 8][count..]));
        let (buffer, _) = elsewhere(transfer).wait().expect("nothing fails here");
        // SAFETY:
        // - It has come to its end.
        assert_eq!(unsafe { first(&buffer, 8) }, counting(8));
    });
}

#[test]
fn what_was_written_before_a_stop_has_a_value() {
    for items in [0, 1, 5, 8] {
        on_a_chip(|chip| {
            chip.grant(items);
            let transfer = receives(chip);
            while !chip.is_spent() {}
            let (buffer, _, moved) = elsewhere(transfer).stop();
            // SAFETY:
            // - So many were moved.
            assert_eq!((moved, unsafe { first(&buffer, moved) }), (items, counting(8)[..items].to_vec()));
        });
    }
}

#[test]
fn halves_of_a_circular_buffer_have_a_value_when_it_is_their_turn() {
    on_a_chip(|chip| {
        chip.grant(4);
        let (_, receiver) = parts::halves_of(chip);
        let mut circular = receiver.circular(Box::<[u8]>::new_uninit_slice(8)).expect("8 is even");
        while !chip.is_spent() {}
        let mut half = [0; 4];
        assert_eq!((circular.read(&mut half), half), (Ok(Some(4)), [1, 2, 3, 4]));
        let (_buffer, _receiver) = circular.stop();
    });
}

#[test]
fn packet_is_received_into_memory_without_a_value() {
    on_a_chip(|chip| {
        let (engine, mut endpoints) = parts::engine_of(chip);
        let transfer = endpoints.epout[0].receive(engine, Box::<[u8]>::new_uninit_slice(64)).expect("it fits");
        let (_engine, buffer) = elsewhere(transfer).wait();
        // SAFETY:
        // - A packet has 8 bytes here, and it has come to its end.
        assert_eq!(unsafe { first(&buffer, 8) }, counting(8));
    });
}
