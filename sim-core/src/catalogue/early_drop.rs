//! C.2: a transfer that is dropped, cancelled or left by an error, and the DMA runs on.
//!
//! The twins stop the channel, wait until it has let go of the memory, and only then give that back. An engine that
//! cannot be stopped, as the one of USBD, is waited for.

use dma_api::nrf52840::usbd::map as usbd;
use dma_api::registers::Registers;
use dma_api::stm32f103::dma::map::{self, TCIF, TEIF, ccr};
use dma_api::stm32f103::usart::Usart1;
use dma_api::stm32f103::usart::map::{cr1, sr};

use super::buffers::{Heap, LENGTH};
use super::steps::{self, finish, is_done, receive, reuse, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, SENDS, TX};
use crate::explore::Board;
use crate::monitor::Rule;

fn c015_box_is_freed_while_it_is_filled(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let boxed = heap.take();
    receive(hand, boxed.address(), LENGTH);
    if !is_broken {
        steps::stop(hand, RX);
    }
    drop(boxed);
    heap.call_another();
}

/// From memory to memory: source and target are the transfer's, and it has no destructor.
fn c016_dropped_transfer_frees_live_target(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let (source, target) = (heap.take(), heap.take());
    hand.write(map::cpar(0), source.address());
    hand.write(map::cmar(0), target.address());
    hand.write(map::cndtr(0), LENGTH);
    hand.board.release_fence();
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::PINC.mask() | ccr::MINC.mask());
    if !is_broken {
        steps::stop(hand, 0);
    }
    drop(target);
    heap.call_another();
}

/// The next operation finds the channel enabled.
fn c017_cancelled_read_leaves_the_channel_enabled(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    // It is cancelled here.
    if !is_broken {
        steps::stop(hand, RX);
    }
    receive(hand, SECOND, LENGTH);
    finish(hand, RX);
}

fn c018_cancelled_read_writes_the_callers_array(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_out(1, FIRST, 8);
    if !is_broken {
        // There is no stop.
        hand.wait(usbd::events_endepout(1));
        hand.0.acquire_fence();
    }
    // The caller reads what it has: the transfer was cancelled.
    hand.load(FIRST);
}

/// Reads until the end, or until the line has an error.
fn read_to_end(hand: &Serial) -> Result<(), ()> {
    let usart = hand.board.block::<Usart1>();
    while !is_done(hand, RX) {
        if sr::FE.is_set(usart.read(sr())) {
            return Err(());
        }
    }
    Ok(())
}

fn c019_error_of_the_line_returns_with_the_dma_armed(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    assert_eq!(read_to_end(hand), Err(()), "the frame is broken");
    if !is_broken {
        steps::stop(hand, RX);
    }
    reuse(hand, BUFFER + 1);
}

fn c020_cancelled_write_frees_its_source(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let source = heap.take();
    send(hand, source.address(), LENGTH);
    if !is_broken {
        steps::stop(hand, TX);
    }
    drop(source);
    heap.call_another();
}

/// The memory is allocated again, by somebody who lends it to the DMA for something else.
fn c021_dropped_future_tramples_reallocated_memory(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let first = heap.take();
    receive(hand, first.address(), LENGTH);
    if !is_broken {
        steps::stop(hand, RX);
    }
    drop(first);
    let second = heap.take();
    send(hand, second.address(), LENGTH);
    finish(hand, TX);
}

/// The line is given up while the last frame is still on it.
fn c022_transfer_goes_on_when_the_line_is_released(hand: &Serial, is_broken: bool) {
    // It is 1 out of reset.
    hand.usart(sr(), !sr::TC.mask());
    send(hand, BUFFER, 1);
    finish(hand, TX);
    if !is_broken {
        hand.flush();
    }
    hand.usart(cr1(), 0);
}

/// A destructor that stops, of a handle that nobody has kept.
fn c023_transfer_is_stopped_by_a_handle_dropped_too_soon(hand: &Serial, is_broken: bool) {
    send(hand, BUFFER, LENGTH);
    if is_broken {
        steps::stop(hand, TX);
    } else {
        finish(hand, TX);
    }
}

/// The transfer has ended. The stop clears its flag, and then waits for it.
fn c025_stop_clears_the_flag_that_it_waits_for(hand: &Serial, is_broken: bool) {
    send(hand, BUFFER, LENGTH);
    hand.wait(TX);
    hand.clear(TX);
    if is_broken {
        steps::wait_for_end_only(hand, TX);
    }
    hand.disable(TX);
}

/// The sender's transfer fails. The receiver's was started for the answer, and stays armed for whatever comes next.
fn exchange_that_fails(hand: &Serial, stops_both: bool) {
    receive(hand, BUFFER, LENGTH);
    // Nothing is at 0x3000_0000.
    hand.configure(TX, 0x3000_0000, LENGTH);
    hand.enable(TX, SENDS);
    assert_eq!(hand.wait(TX), TEIF);
    hand.clear(TX);
    if stops_both {
        steps::stop(hand, RX);
    }
}

fn c027_failed_exchange_leaves_a_channel_armed(hand: &Serial, is_broken: bool) {
    exchange_that_fails(hand, !is_broken);
    receive(hand, SECOND, LENGTH);
    assert_eq!(hand.wait(RX), TCIF);
}

fn c029_error_of_wait_drops_buffers_in_flight(hand: &Serial, is_broken: bool) {
    exchange_that_fails(hand, !is_broken);
    // Both buffers are dropped.
    reuse(hand, BUFFER);
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);
const ENABLED: Caught = Caught::Rule(Rule::WrittenWhileEnabled);

pub(super) const CASES: &[Case] = &[
    serial!(c015_box_is_freed_while_it_is_filled, H2, "stm32-rs/stm32l4xx-hal#123", IN_FLIGHT, peers::offers_two),
    serial!(
        c016_dropped_transfer_frees_live_target,
        H2,
        "rp-hal, rp2040-hal/src/dma/single_buffer.rs @49daec26",
        IN_FLIGHT,
        peers::silent
    ),
    serial!(
        c017_cancelled_read_leaves_the_channel_enabled,
        H2,
        "embassy-rs/embassy#1045, #1046",
        ENABLED,
        peers::sends_many
    ),
    usb!(c018_cancelled_read_writes_the_callers_array, H2, "embassy-rs/embassy#2924", IN_FLIGHT, peers::sends_twos),
    serial!(
        c019_error_of_the_line_returns_with_the_dma_armed,
        H2,
        "embassy-rs/embassy#2502",
        IN_FLIGHT,
        peers::sends_broken
    ),
    serial!(c020_cancelled_write_frees_its_source, H2, "embassy#913: 3bbfc11, 7e3ce2c", IN_FLIGHT, peers::silent),
    serial!(c021_dropped_future_tramples_reallocated_memory, H2, "tosc-rs/mnemos#281", IN_FLIGHT, peers::offers_two),
    serial!(
        c022_transfer_goes_on_when_the_line_is_released,
        H2,
        "esp-rs/esp-hal#3242, #2216",
        Caught::Rule(Rule::DisabledWhileSending),
        peers::silent
    ),
    serial!(
        c023_transfer_is_stopped_by_a_handle_dropped_too_soon,
        H2,
        "embassy-imxrt#232, #284",
        Caught::Hangs("waited for a frame"),
        peers::gets_two
    ),
    serial!(
        c025_stop_clears_the_flag_that_it_waits_for,
        H8,
        "embassy 50565c3 (mcxa)",
        Caught::Hangs("DMA1.ISR"),
        peers::gets_two
    ),
    serial!(
        c027_failed_exchange_leaves_a_channel_armed,
        H2,
        "zephyrproject-rtos/zephyr#117132",
        ENABLED,
        peers::sends_many
    ),
    serial!(
        c029_error_of_wait_drops_buffers_in_flight,
        H2,
        "dma-poc, Transfer::wait @762f29c",
        IN_FLIGHT,
        peers::offers_two
    ),
];
