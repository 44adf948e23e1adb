//! C.7: how much is moved, and in which unit.
//!
//! Behind the 16 bytes of RAM that a program on the STM32F103 has is nothing: what goes further is found there.

use dma_api::nrf52840::usbd as api;
use dma_api::stm32f103::dma::map::{self, ccr};

use super::buffers::LENGTH;
use super::steps::{finish, receive, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::{FIRST, SECOND as TWOS, nothing};
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, SENDS, TX};
use crate::explore::Board;
use crate::monitor::Rule;

/// What CNDTR holds.
const COUNTER: u32 = 0xFFFF;

/// Sends so many items, if CNDTR can count them; the broken program has the rest cut off.
fn send_counted(hand: &Serial, is_broken: bool, items: u32) {
    let counted = u16::try_from(items).ok();
    let items = if is_broken { Some(items & COUNTER) } else { counted.map(u32::from) };
    // The twin refuses: an error, and nothing is started.
    let Some(items) = items else { return };
    send(hand, BUFFER, items);
    finish(hand, TX);
}

fn c072_length_is_cut_to_sixteen_bits(hand: &Serial, is_broken: bool) {
    send_counted(hand, is_broken, 0x1_0000);
}

/// From memory to memory, in half-words: CNDTR counts items.
fn c073_bytes_are_counted_where_items_are_due(hand: &Serial, is_broken: bool) {
    let bytes = 8;
    hand.write(map::cpar(0), BUFFER);
    hand.write(map::cmar(0), SECOND);
    hand.write(map::cndtr(0), if is_broken { bytes } else { bytes / 2 });
    hand.board.release_fence();
    let half_words = ccr::MSIZE.put(1) | ccr::PSIZE.put(1);
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::MINC.mask() | ccr::PINC.mask() | half_words);
    finish(hand, 0);
    assert_eq!(hand.load(SECOND + 7), 8);
}

/// The packet is as long as SIZE says: of another endpoint.
fn c075_size_of_another_endpoint_is_checked(hand: &Usb, is_broken: bool) {
    let (buffer, length) = (TWOS + 60, 4);
    hand.wait_for_packet();
    let checked = hand.read(api::map::size_epout(if is_broken { 0 } else { 1 }));
    if checked > length {
        // It does not fit: it is refused.
        return;
    }
    hand.start_out(1, buffer, hand.read(api::map::size_epout(1)));
    hand.wait(api::map::events_endepout(1));
}

/// Sends a packet of so many bytes, or the longest that there is.
fn send_packet(hand: &Usb, is_broken: bool, length: u32) {
    let longest = 64;
    hand.start_in(1, FIRST, if is_broken { length } else { length.min(longest) });
    hand.wait(api::map::events_endepin(1));
}

/// MAXCNT of this chip has 7 bits; of another, 8 or 16.
fn c076_length_is_that_of_another_chip(hand: &Usb, is_broken: bool) {
    send_packet(hand, is_broken, 128);
}

fn c077_transfer_is_not_split(hand: &Usb, is_broken: bool) {
    send_packet(hand, is_broken, 65);
}

/// Half-words are read from a buffer of bytes: every other one is lost.
fn c078_width_of_memory_is_not_that_of_the_buffer(hand: &Serial, is_broken: bool) {
    hand.configure(TX, BUFFER, 2);
    hand.board.release_fence();
    hand.enable(TX, SENDS | ccr::MSIZE.put(u32::from(is_broken)));
    finish(hand, TX);
}

/// The peer says how long its message is, and it is believed.
fn c080_length_is_the_peers(hand: &Serial, is_broken: bool) {
    let (buffer, length) = (SECOND + 6, 2);
    let announced = hand.receive();
    receive(hand, buffer, if is_broken { announced } else { announced.min(length) });
    finish(hand, RX);
}

/// 0x8000 half-words, counted in bytes, in 16 bits.
fn c081_count_of_bytes_wraps(hand: &Serial, is_broken: bool) {
    send_counted(hand, is_broken, 0x8000 * 2);
}

/// A word of 64 bits compiles, and the engine has none.
fn c083_word_is_wider_than_the_engine(hand: &Serial, is_broken: bool) {
    let size = if is_broken { 3 } else { 2 };
    hand.write(map::cpar(0), BUFFER);
    hand.write(map::cmar(0), SECOND);
    hand.write(map::cndtr(0), if is_broken { 1 } else { 2 });
    hand.board.release_fence();
    let width = ccr::MSIZE.put(size) | ccr::PSIZE.put(size);
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::MINC.mask() | ccr::PINC.mask() | width);
    finish(hand, 0);
    assert_eq!(hand.load(SECOND + 7), 8);
}

/// The list of weaknesses of embedded-dma has it as its ninth: a buffer of no bytes is one.
fn b009_empty_buffer_is_started(hand: &Serial, is_broken: bool) {
    let items = 0;
    if is_broken || items > 0 {
        send(hand, BUFFER, items);
        finish(hand, TX);
    }
    send(hand, BUFFER, LENGTH);
    finish(hand, TX);
}

const TOO_LONG: Caught = Caught::Rule(Rule::LengthOverBuffer);
const EMPTY: Caught = Caught::Rule(Rule::EmptyTransfer);
const BEYOND: Caught = Caught::Rule(Rule::PointerNotLent);

pub(super) const CASES: &[Case] = &[
    serial!(c072_length_is_cut_to_sixteen_bits, H9, "atsamd-rs/atsamd#981, #984", EMPTY, peers::silent),
    serial!(c073_bytes_are_counted_where_items_are_due, H9, "embassy-rs/embassy#6871", BEYOND, peers::silent),
    usb!(c075_size_of_another_endpoint_is_checked, H9, "embassy a062baa", BEYOND, peers::sends_twos),
    usb!(
        c076_length_is_that_of_another_chip,
        H9,
        "nrf-hal#314, #315, 717917a; embassy 1ce9418",
        TOO_LONG,
        |_| nothing()
    ),
    usb!(c077_transfer_is_not_split, H9, "embassy-imxrt#259", TOO_LONG, |_| nothing()),
    serial!(
        c078_width_of_memory_is_not_that_of_the_buffer,
        H9,
        "embassy 32aaaa6, c241c05",
        Caught::Wrong("[1, 3] came where [1, 2] was due"),
        peers::gets_two
    ),
    serial!(c080_length_is_the_peers, H9, "chipsalliance/caliptra-sw#3298", BEYOND, peers::announces_four),
    serial!(c081_count_of_bytes_wraps, H9, "STM32CubeH7#343", EMPTY, peers::silent),
    serial!(c083_word_is_wider_than_the_engine, H9, "rp-rs/rp-hal#457", Caught::Rule(Rule::ChannelMode), peers::silent),
    serial!(
        b009_empty_buffer_is_started,
        H9,
        "embedded-dma 0.2.0; nrf-hal cd7796c; embassy#631",
        EMPTY,
        peers::gets_two
    ),
];
