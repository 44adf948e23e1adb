//! Mistakes that a driver could make, and none of the tests beside would see: each has undefined behaviour.
//!
//! They are run under a checker, by name, and must fail there. What AddressSanitizer and valgrind see was run. What is
//! expected of Miri is what its rules say, and was not:
//!
//! | specimen | AddressSanitizer | valgrind | Miri, by its rules |
//! |---|---|---|---|
//! | `buffer_held_by_value` | | | a `Box` that is moved is unique |
//! | `buffer_asked_twice` | | | one of the two pointers ends the other |
//! | `reference_to_the_whole_buffer` | | | a reference reads all of its target |
//! | `whole_buffer_copied_in_flight` | | | a data race |
//! | `buffer_freed_in_flight` | use after free | invalid write | use after free |
//! | `borrow_forgotten_in_flight` | use after free | invalid write | use after free |
//! | `uninitialised_rest_used` | | no value | no value |

use std::hint::black_box;
use std::mem;
use std::slice;

use dma_api::address::{Direction, Region};
use dma_api::transfer::Channel;
use embedded_dma::WriteBuffer;
use tests::chip::Chip;
use tests::chip::parts::{self, Receiver};

use crate::{counting, elsewhere, on_a_chip};

/// Memory that the DMA writes.
fn region(pointer: *mut u8, length: usize) -> Region {
    Region { pointer, length, direction: Direction::DeviceToMemory }
}

/// Starts to receive into `region`, which a driver should hold, and here nobody does.
fn starts(chip: &'static Chip, region: Region) -> Receiver {
    let (_, mut receiver) = parts::halves_of(chip);
    // SAFETY: MUTANT
    // - No transfer of the channel runs.
    // - Nobody says that the region stays valid, and is left alone.
    unsafe { receiver.start(region) }.expect("it is not refused");
    receiver
}

/// Waits for the end.
fn ends(mut receiver: Receiver, region: Region) {
    // SAFETY:
    // - It was started with this region, and the loop ends when it was given back.
    while unsafe { receiver.end(region) }.is_none() {}
}

/// What a transfer that holds its buffer by value does.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees aliasing"]
fn buffer_held_by_value() {
    on_a_chip(|chip| {
        let mut buffer = vec![0; 8].into_boxed_slice();
        let region = region(buffer.as_mut_ptr(), 8);
        let receiver = starts(chip, region);
        // The move says that nobody else has the memory.
        let buffer = *elsewhere(buffer);
        ends(receiver, region);
        assert_eq!(*buffer, counting(8));
    });
}

/// What a driver does that asks the buffer again where it is.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees aliasing"]
fn buffer_asked_twice() {
    on_a_chip(|chip| {
        let buffer: &'static mut [u8] = vec![0; 8].leak();
        let mut buffer = mem::MaybeUninit::new(buffer);
        // SAFETY:
        // - It was initialised above.
        let held = unsafe { buffer.assume_init_mut() };
        // SAFETY: MUTANT
        // - `write_buffer` is called again below, while this pointer is in use.
        let (pointer, length) = unsafe { held.write_buffer() };
        let region = region(pointer, length);
        let receiver = starts(chip, region);
        // SAFETY: MUTANT
        // - The DMA uses the pointer of before.
        let (again, _) = unsafe { held.write_buffer() };
        ends(receiver, region);
        // SAFETY: MUTANT
        // - The memory is there; but the DMA has written by another pointer, which makes an end of this one.
        assert_eq!(unsafe { again.read() }, 1);
    });
}

/// What a `peek` does that makes a slice of the buffer, and takes of it what has arrived.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees aliasing"]
fn reference_to_the_whole_buffer() {
    on_a_chip(|chip| {
        chip.grant(3);
        let mut buffer = mem::ManuallyDrop::new(vec![0; 8]);
        let region = region(buffer.as_mut_ptr(), 8);
        let receiver = starts(chip, region);
        while !chip.is_spent() {}
        chip.grant(5);
        // SAFETY: MUTANT
        // - The memory is there; but the DMA writes the rest of it.
        let whole = unsafe { slice::from_raw_parts(region.pointer, region.length) };
        assert_eq!(black_box(whole)[..3], counting(3));
        ends(receiver, region);
    });
}

/// What a `peek` does that copies all of the buffer.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees aliasing"]
fn whole_buffer_copied_in_flight() {
    on_a_chip(|chip| {
        chip.grant(3);
        let mut buffer = mem::ManuallyDrop::new(vec![0; 8]);
        let region = region(buffer.as_mut_ptr(), 8);
        let receiver = starts(chip, region);
        while !chip.is_spent() {}
        chip.grant(5);
        for index in 0..8 {
            // SAFETY: MUTANT
            // - The memory is there; but the DMA writes the rest of it.
            black_box(unsafe { region.pointer.wrapping_add(index).read() });
        }
        ends(receiver, region);
    });
}

/// What a transfer does that is dropped, and does not stop.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees freed memory"]
fn buffer_freed_in_flight() {
    on_a_chip(|chip| {
        chip.grant(3);
        let mut buffer = vec![0; 8].into_boxed_slice();
        let region = region(buffer.as_mut_ptr(), 8);
        let receiver = starts(chip, region);
        while !chip.is_spent() {}
        drop(buffer);
        chip.grant(5);
        ends(receiver, region);
    });
}

/// What becomes of a transfer of borrowed memory that is forgotten.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees freed memory"]
fn borrow_forgotten_in_flight() {
    fn forgets(chip: &'static Chip) {
        let mut words = vec![0; 8];
        let (_, receiver) = parts::halves_of(chip);
        // SAFETY: MUTANT
        // - It is forgotten.
        mem::forget(unsafe { receiver.read_exact_borrowed(&mut words) });
    }
    on_a_chip(|chip| {
        chip.grant(0);
        forgets(chip);
        chip.grant(8);
        while !chip.is_spent() {}
    });
}

/// What a driver does that takes a buffer for initialised, however much of it has arrived.
#[test]
#[ignore = "undefined behaviour: run it under a checker that sees what has no value"]
fn uninitialised_rest_used() {
    on_a_chip(|chip| {
        chip.grant(3);
        let (_, receiver) = parts::halves_of(chip);
        let transfer = receiver.read_exact(Box::<[u8]>::new_uninit_slice(8)).expect("it is not refused");
        while !chip.is_spent() {}
        let (buffer, _, _) = transfer.stop();
        // SAFETY: MUTANT
        // - Three bytes have a value.
        let buffer = unsafe { buffer.assume_init() };
        assert_eq!(buffer[..3], counting(3));
        assert!(black_box(buffer[7]) < black_box(200) || black_box(buffer[6]) == 1);
    });
}
