//! C.9, caches: a core whose data cache is between it and what the DMA sees. Each buffer has a line of 8 bytes.

use super::buffers::LENGTH;
use super::steps::{finish, receive, send};
use super::{Case, Caught, Hazard, Serial, peers};
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, TX};
use crate::explore::Board;
use crate::machine::{Fences, Machine};
use crate::memory::cache::{DataCache, LineSize, Operation, Upkeep};
use crate::monitor::Rule;
use crate::soc::Config;
use dma_api::address::BusAddress;

const LINE: u32 = 8;

/// A Cortex-M7 with its data cache on, and fences that know nothing of it: the firmware maintains it.
fn cached(is_broken: bool) -> Config {
    let line = LineSize::new(LINE).expect("it is a power of two");
    let cache = Some(DataCache { line, upkeep: Upkeep::NONE });
    Config { cache, fences: Fences::right(Machine::CortexM7), ..super::usart(is_broken) }
}

#[track_caller]
fn maintain(hand: &Serial, memory: u32, operation: Operation) {
    hand.board.maintain(BusAddress::new(memory), LENGTH, operation);
}

/// The lines are invalidated before the start. What the core reads ahead during the transfer, it finds after it.
fn c107_line_is_invalidated_before_the_transfer_only(hand: &Serial, is_broken: bool) {
    maintain(hand, BUFFER, Operation::CleanInvalidate);
    receive(hand, BUFFER, LENGTH);
    finish(hand, RX);
    if !is_broken {
        maintain(hand, BUFFER, Operation::Invalidate);
    }
    assert_eq!(hand.load(BUFFER), 9, "the CPU has found an old line");
}

/// A buffer that the DMA writes begins in the middle of a line. The twin's has the line to itself.
fn c109_neighbour_of_a_buffer_is_stored_in_flight(hand: &Serial, is_broken: bool) {
    maintain(hand, BUFFER, Operation::CleanInvalidate);
    receive(hand, BUFFER, LENGTH);
    hand.store(if is_broken { BUFFER + 4 } else { SECOND }, 1);
    finish(hand, RX);
    maintain(hand, BUFFER, Operation::Invalidate);
    assert_eq!(hand.load(BUFFER), 9, "the line went back over what the DMA had written");
}

/// A driver's variable lies behind its buffer, and loses what is stored there when the buffer is invalidated.
fn c110_variable_shares_a_line_with_a_buffer(hand: &Serial, is_broken: bool) {
    let variable = if is_broken { BUFFER + 4 } else { SECOND };
    maintain(hand, BUFFER, Operation::CleanInvalidate);
    receive(hand, BUFFER, LENGTH);
    finish(hand, RX);
    hand.store(variable, 1);
    maintain(hand, BUFFER, Operation::Invalidate);
    assert_eq!(hand.load(variable), 1, "the variable has lost its value");
}

/// Nobody has thought of the cache: what is sent is what memory holds.
fn c111_buffer_is_sent_that_was_never_cleaned(hand: &Serial, is_broken: bool) {
    if !is_broken {
        maintain(hand, BUFFER, Operation::Clean);
    }
    send(hand, BUFFER, LENGTH);
    finish(hand, TX);
}

const NOT_INVALIDATED: Caught = Caught::Rule(Rule::CacheNotInvalidated);
const SHARED: Caught = Caught::Rule(Rule::CacheLineShared);

pub(super) const CASES: &[Case] = &[
    serial!(
        c107_line_is_invalidated_before_the_transfer_only,
        H11,
        "apache/nuttx#19506",
        NOT_INVALIDATED,
        peers::sends_two
    )
    .on(cached),
    serial!(
        c109_neighbour_of_a_buffer_is_stored_in_flight,
        H11,
        "esp-rs/esp-hal#5721, #5744",
        SHARED,
        peers::sends_two
    )
    .on(cached),
    serial!(
        c110_variable_shares_a_line_with_a_buffer,
        H11,
        "tinyusb#2146, #2883; micropython#19017",
        SHARED,
        peers::sends_two
    )
    .on(cached),
    serial!(
        c111_buffer_is_sent_that_was_never_cleaned,
        H11,
        "zephyrproject-rtos/zephyr#116383",
        Caught::Rule(Rule::CacheNotCleaned),
        peers::gets_two
    )
    .on(cached),
];
