//! C.9: memory that the DMA cannot reach, or not at this address.

use dma_api::nrf52840::usbd as api;
use dma_api::stm32f103::dma::map::{self, ccr};

use super::buffers::LENGTH;
use super::steps::{finish, receive};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND};
use crate::explore::Board;
use crate::monitor::Rule;

/// A constant is in flash, and EasyDMA cannot read there. The twin sends a copy.
fn c100_constant_in_flash_is_sent(hand: &Usb, is_broken: bool) {
    let constant = 0x0001_0000;
    hand.start_in(1, if is_broken { constant } else { FIRST }, 8);
    hand.wait(api::map::events_endepin(1));
}

/// The DMA has filled another buffer than the caller's.
fn c103_bounce_buffer_is_not_copied_back(hand: &Serial, is_broken: bool) {
    let (callers, bounce) = (BUFFER, SECOND);
    receive(hand, bounce, LENGTH);
    finish(hand, RX);
    if !is_broken {
        (0..LENGTH).for_each(|index| hand.store(callers + index, hand.load(bounce + index)));
    }
    assert_eq!(hand.load(callers), 9, "the caller's buffer was not filled");
}

/// Memory that is tightly coupled to the core: the DMA's bus has none there, and says so in a flag that nobody reads.
fn c104_core_coupled_memory_is_not_filled(hand: &Serial, is_broken: bool) {
    let buffer = if is_broken { 0x1000_0000 } else { BUFFER };
    receive(hand, buffer, LENGTH);
    finish(hand, RX);
    assert_eq!(hand.load(buffer), 9, "the buffer was not filled");
}

/// Copies so many bytes, in items of 2 to the power of `size`.
fn copy(hand: &Serial, from: u32, to: u32, size: u32, bytes: u32) {
    hand.write(map::cpar(0), from);
    hand.write(map::cmar(0), to);
    hand.write(map::cndtr(0), bytes >> size);
    hand.board.release_fence();
    let width = ccr::MSIZE.put(size) | ccr::PSIZE.put(size);
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::MINC.mask() | ccr::PINC.mask() | width);
    finish(hand, 0);
}

/// A packed field at an odd address: the engine leaves the lowest bit out.
fn c105_packed_field_is_at_an_odd_address(hand: &Serial, is_broken: bool) {
    copy(hand, BUFFER, if is_broken { SECOND + 1 } else { SECOND }, 1, 4);
}

/// An array of bytes, moved as words.
fn c106_bytes_are_moved_as_words(hand: &Serial, is_broken: bool) {
    copy(hand, if is_broken { BUFFER + 2 } else { BUFFER }, SECOND, 2, 4);
}

const UNALIGNED: Caught = Caught::Rule(Rule::Unaligned);

pub(super) const CASES: &[Case] = &[
    usb!(
        c100_constant_in_flash_is_sent,
        H10,
        "nrf-hal#37; InfiniTime#2228",
        Caught::Rule(Rule::PointerOutsideRam),
        peers::takes_ones
    ),
    serial!(
        c103_bounce_buffer_is_not_copied_back,
        H10,
        "esp-rs/esp-hal#1798",
        Caught::Wrong("the caller's buffer was not filled"),
        peers::sends_two
    ),
    serial!(
        c104_core_coupled_memory_is_not_filled,
        H10,
        "stm32f7xx-hal#156; Infineon AIROC#18",
        Caught::Wrong("the buffer was not filled"),
        peers::sends_two
    ),
    serial!(c105_packed_field_is_at_an_odd_address, H10, "stm32-rs/stm32h7xx-hal#507", UNALIGNED, peers::silent),
    serial!(c106_bytes_are_moved_as_words, H10, "esp-rs/esp-hal#3296, #2179", UNALIGNED, peers::silent),
];
