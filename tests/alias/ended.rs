//! A transfer that does not come to its end: stopped, dropped, forgotten; and a buffer that comes back early.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dma_api::transfer::Refused;
use tests::chip::parts;

use crate::{counting, elsewhere, on_a_chip};

/// How many items the DMA moves before the transfer is ended.
const BEFORE: [usize; 4] = [0, 1, 3, 8];

#[test]
fn stopped_buffer_is_used_and_freed() {
    for items in BEFORE {
        on_a_chip(|chip| {
            chip.grant(items);
            let transfer = parts::halves_of(chip).1.read_exact(vec![0; 8]).expect("it is not refused");
            while !chip.is_spent() {}
            let (mut buffer, _, moved) = elsewhere(transfer).stop();
            // It may go on now, if it can.
            chip.grant(8);
            assert_eq!((moved, &buffer[..moved]), (items, &counting(8)[..items]));
            buffer.fill(9);
            assert_eq!(*elsewhere(buffer), [9; 8]);
        });
    }
}

#[test]
fn dropped_buffer_is_freed_and_its_memory_used_again() {
    for items in BEFORE {
        on_a_chip(|chip| {
            chip.grant(items);
            let transfer = parts::halves_of(chip).1.read_exact(vec![0; 8].into_boxed_slice());
            while !chip.is_spent() {}
            drop(elsewhere(transfer));
            chip.grant(8);
            let others: Vec<Box<[u8; 8]>> = (0..8).map(|_| Box::new([0; 8])).collect();
            assert!(others.iter().all(|other| **other == [0; 8]));
        });
    }
}

#[test]
fn future_that_is_dropped_stops() {
    on_a_chip(|chip| {
        let transfer = parts::halves_of(chip).1.read_exact(Box::new([0; 64])).expect("it is not refused");
        drop(elsewhere(transfer.into_future()));
    });
}

#[test]
fn packet_that_is_dropped_is_waited_for() {
    on_a_chip(|chip| {
        let (engine, mut endpoints) = parts::engine_of(chip);
        drop(elsewhere(endpoints.epout[0].receive(engine, vec![0; 8])));
    });
}

#[test]
fn forgotten_transfer_goes_on_in_memory_that_is_lost() {
    on_a_chip(|chip| {
        chip.grant(64);
        let transfer = parts::halves_of(chip).1.read_exact(Box::new([0; 64])).expect("it is not refused");
        mem::forget(elsewhere(transfer));
        while !chip.is_spent() {}
    });
}

#[test]
fn refused_buffer_comes_back_as_it_was() {
    on_a_chip(|chip| {
        let (_, receiver) = parts::halves_of(chip);
        let Err(Refused { channel, buffer, .. }) = receiver.circular(vec![7; 3]) else { panic!("3 is odd") };
        assert_eq!(*elsewhere(buffer), [7; 3]);
        assert!(channel.read_exact(vec![0; 2]).is_ok());
    });
}

#[test]
fn borrowed_words_are_the_borrowers_again_after_a_scope() {
    on_a_chip(|chip| {
        let (mut sender, mut receiver) = parts::halves_of(chip);
        let (mut into, out) = ([0; 8], counting(3));
        let received = receiver.scope(&mut into, |running| {
            while running.moved() == 0 {}
            sender.scope(&out, |running| running.moved()).is_ok()
        });
        assert_eq!(received, Ok((true, Ok(()))));
        assert_eq!((into.to_vec(), chip.sent()), (counting(8), out));
    });
}

#[test]
fn borrowed_words_are_the_borrowers_again_after_a_panic() {
    on_a_chip(|chip| {
        let (_, mut receiver) = parts::halves_of(chip);
        let mut into = [0; 64];
        let work = AssertUnwindSafe(|| receiver.scope(&mut into, |_| panic!("in the middle")).map(drop));
        assert!(catch_unwind(work).is_err());
        into.fill(9);
        assert_eq!(into, [9; 64]);
    });
}
