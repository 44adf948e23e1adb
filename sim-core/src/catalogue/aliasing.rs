//! C.5: the CPU uses what the DMA uses.
//!
//! What is undefined by the rules of references alone is left out: it takes an interpreter to see it. Here are those of
//! these bugs in which somebody does read or write.

use dma_api::nrf52840::usbd as api;
use dma_api::stm32f103::dma::map::{self, ccr};

use super::buffers::LENGTH;
use super::steps::{finish, receive, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RECEIVES, RX, TX};
use crate::explore::Board;
use crate::monitor::Rule;

/// A reference is kept in a cell while the device writes: whoever looks there finds what there is.
fn c057_kept_reference_is_read_in_flight(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    if !is_broken {
        finish(hand, RX);
    }
    hand.load(BUFFER);
}

/// The device's memory is a reference like any, and it is cleared for the next request.
fn c058_shared_memory_is_cleared_in_flight(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    let clear = || (FIRST..FIRST + 8).for_each(|address| hand.store(address, 0));
    if !is_broken {
        clear();
        hand.0.release_fence();
    }
    hand.start_out(1, FIRST, 8);
    if is_broken {
        clear();
    }
    hand.wait(api::map::events_endepout(1));
    hand.expect(FIRST, 2);
}

/// The buffer is looked at until it changes.
fn c059_buffer_is_polled_for_a_change(hand: &Serial, is_broken: bool) {
    hand.store(BUFFER, 0);
    receive(hand, BUFFER, LENGTH);
    if is_broken {
        while hand.load(BUFFER) == 0 && hand.read(map::cndtr(RX)) > 0 {}
    } else {
        finish(hand, RX);
    }
    assert_eq!(hand.load(BUFFER), 9);
}

/// A second reference to the source, kept by the example that shows how it is done.
fn c061_owned_source_is_written_through_a_second_reference(hand: &Serial, is_broken: bool) {
    send(hand, BUFFER, LENGTH);
    if !is_broken {
        finish(hand, TX);
    }
    hand.store(BUFFER + 1, 7);
}

/// What has come is a prefix; the reference that is made is to the whole. Each frame is a word here: what one word
/// holds is one to the vector clocks.
fn c062_peek_looks_at_the_whole_buffer(hand: &Serial, is_broken: bool) {
    hand.configure(RX, BUFFER, LENGTH);
    hand.board.release_fence();
    hand.enable(RX, RECEIVES | ccr::MSIZE.put(2));
    let came = LENGTH - hand.read(map::cndtr(RX));
    hand.board.acquire_fence();
    let looked_at = if is_broken { LENGTH } else { came };
    for word in 0..looked_at {
        hand.load(BUFFER + 4 * word);
    }
    finish(hand, RX);
}

/// A sequence is played from memory that its caller still has, who writes the next one there.
fn c063_caller_changes_a_sequence_that_is_played(hand: &Usb, is_broken: bool) {
    hand.start_in(1, FIRST, 8);
    if !is_broken {
        hand.wait(api::map::events_endepin(1));
        hand.0.acquire_fence();
    }
    hand.store(FIRST + 4, 2);
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);

pub(super) const CASES: &[Case] = &[
    serial!(c057_kept_reference_is_read_in_flight, H6, "tock/tock#2637, #4702", IN_FLIGHT, peers::offers_two),
    usb!(c058_shared_memory_is_cleared_in_flight, H6, "rcore-os/virtio-drivers#18", IN_FLIGHT, peers::sends_twos),
    serial!(
        c059_buffer_is_polled_for_a_change,
        H6,
        "rust-lang/unsafe-code-guidelines#537",
        IN_FLIGHT,
        peers::sends_two
    ),
    serial!(
        c061_owned_source_is_written_through_a_second_reference,
        H6,
        "stm32h5xx-hal#64",
        IN_FLIGHT,
        peers::gets_two
    ),
    serial!(c062_peek_looks_at_the_whole_buffer, H6, "stm32f1xx-hal 0.11, Transfer::peek", IN_FLIGHT, peers::sends_two),
    usb!(
        c063_caller_changes_a_sequence_that_is_played,
        H6,
        "embassy-rs/embassy#483, #484",
        IN_FLIGHT,
        peers::takes_ones
    ),
];
