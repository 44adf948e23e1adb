//! C.12: bytes that nobody has written.
//!
//! To read them is undefined where memory was never initialised, which takes an interpreter to see. In simulated RAM
//! they are old: what is seen here is that they are handed on.

use dma_api::nrf52840::usbd as api;
use dma_api::stm32f103::dma::map;

use super::buffers::LENGTH;
use super::steps::{self, receive};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RX};
use crate::explore::Board;

/// Four bytes are filled; a packet of eight is sent, with four of the one before.
fn c128_packet_is_longer_than_what_was_filled(hand: &Usb, is_broken: bool) {
    let filled = 4;
    (FIRST..FIRST + filled).for_each(|address| hand.store(address, 5));
    hand.0.release_fence();
    hand.start_in(1, FIRST, if is_broken { 8 } else { filled });
    hand.wait(api::map::events_endepin(1));
}

/// A transfer is stopped, and the whole buffer is said to have come.
fn c129_short_transfer_is_claimed_as_a_whole(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.disable(RX);
    let came = LENGTH - hand.read(map::cndtr(RX));
    steps::stop(hand, RX);
    let claimed = if is_broken { LENGTH } else { came };
    for address in BUFFER..BUFFER + claimed {
        assert_eq!(hand.load(address), 9, "it was never received");
    }
}

pub(super) const CASES: &[Case] = &[
    usb!(
        c128_packet_is_longer_than_what_was_filled,
        H13,
        "nrf-usbd 0.3.0, usbd.rs",
        Caught::Wrong("came where [5, 5, 5, 5] was due"),
        peers::takes_four_fives
    ),
    serial!(
        c129_short_transfer_is_claimed_as_a_whole,
        H13,
        "experiment F.1 q",
        Caught::Wrong("it was never received"),
        peers::offers_two
    ),
];
