//! C.8: a stop that is not waited for, and an end that is none.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::nrf52840::usbd as api;
use dma_api::stm32f103::dma::map::{self, ccr};

use super::buffers::{Heap, LENGTH};
use super::steps::{self, finish, receive, reuse};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, RECEIVES, RX, SECOND, SENDS, TX};
use crate::explore::Board;
use crate::monitor::Rule;

/// A channel that was stopped has no end: TCIF never comes.
fn c084_stopped_channel_is_waited_for(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.disable(RX);
    if is_broken {
        steps::wait_for_end_only(hand, RX);
    }
    hand.board.acquire_fence();
}

/// EN=0 is written, and the next transfer configured: the item of the one before is still under way.
fn c087_next_transfer_overtakes_a_disable(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    if is_broken {
        hand.write(ccr(RX), 0);
        hand.board.acquire_fence();
    } else {
        steps::stop(hand, RX);
    }
    // What the first transfer has brought is cleared; the second goes elsewhere.
    hand.store(BUFFER, 0);
    receive(hand, SECOND, 1);
    finish(hand, RX);
}

/// AMOUNT is of the transfer before, until END.
fn c088_amount_is_read_before_the_end(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_out(1, FIRST, 8);
    let amount = || hand.read(api::map::epout_amount(1));
    let early = is_broken.then(amount);
    hand.wait(api::map::events_endepout(1));
    assert_eq!(early.unwrap_or_else(amount), 8, "AMOUNT is of another transfer");
}

/// A receiver is dropped, and nothing stops it.
fn c089_dropped_receiver_is_not_stopped(hand: &Serial, is_broken: bool) {
    struct Receiver<'h>(&'h Serial, bool);
    impl Drop for Receiver<'_> {
        fn drop(&mut self) {
            if self.1 {
                steps::stop(self.0, RX);
            }
        }
    }
    let heap = Heap::new(hand);
    let buffer = heap.take();
    receive(hand, buffer.address(), LENGTH);
    drop((Receiver(hand, !is_broken), buffer));
    heap.call_another();
}

/// Half of it has come, and that is taken for the end.
fn c091_half_of_a_transfer_is_taken_for_its_end(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    let flags = if is_broken { map::TCIF | map::HTIF } else { map::TCIF };
    while hand.read(map::isr()) >> map::flags_of(RX) & flags == 0 {}
    hand.board.acquire_fence();
    assert_eq!(hand.load(BUFFER + 1), 9);
}

/// Flags are cleared behind the start: one that has come by then is lost.
fn c092_flags_are_cleared_after_the_start(hand: &Serial, is_broken: bool) {
    hand.configure(TX, BUFFER, LENGTH);
    hand.board.release_fence();
    if !is_broken {
        hand.clear(TX);
    }
    hand.enable(TX, SENDS);
    if is_broken {
        hand.clear(TX);
    }
    hand.wait(TX);
}

/// A handler tidies up, and the flag that the program waits for with it. The twin's masks its interrupt only.
fn c095_handler_hides_the_end(hand: &Serial, is_broken: bool) {
    let in_handler = hand.clone();
    let handler = move || {
        if is_broken {
            in_handler.clear(TX);
        } else {
            in_handler.write(ccr(TX), SENDS | ccr::EN.mask());
        }
    };
    hand.configure(TX, BUFFER, LENGTH);
    hand.board.release_fence();
    hand.board.clone().with_interrupt(handler, || {
        hand.enable(TX, SENDS | ccr::TCIE.mask());
        hand.wait(TX);
    });
}

/// The program sleeps until the end, and an error wakes nobody.
fn c096_error_interrupt_is_not_enabled(hand: &Serial, is_broken: bool) {
    let is_over = Rc::new(Cell::new(false));
    let (in_handler, over) = (hand.clone(), is_over.clone());
    let handler = move || {
        in_handler.clear(TX);
        over.set(true);
    };
    // Nothing is at 0x3000_0000.
    hand.configure(TX, 0x3000_0000, LENGTH);
    let errors = if is_broken { 0 } else { ccr::TEIE.mask() };
    hand.board.clone().with_interrupt(handler, || {
        hand.enable(TX, SENDS | ccr::TCIE.mask() | errors);
        while !is_over.get() {
            hand.board.wait_for_interrupt();
        }
    });
}

/// The destructor disables the channel, and does not wait until it is idle.
fn c097_disabled_channel_is_not_waited_for(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.write(ccr(RX), 0);
    if !is_broken {
        hand.read(ccr(RX));
    }
    hand.board.acquire_fence();
    reuse(hand, BUFFER);
}

/// A transfer that was given up has ended all the same: its flag is taken for that of the next.
fn c099_flag_of_an_aborted_transfer_is_believed(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, 1);
    // It is given up, whatever has come.
    hand.disable(RX);
    if !is_broken {
        hand.clear(RX);
    }
    hand.configure(RX, SECOND, 1);
    hand.board.release_fence();
    hand.enable(RX, RECEIVES);
    hand.wait(RX);
    hand.board.acquire_fence();
    hand.load(SECOND);
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);
const HANGS: Caught = Caught::Hangs("DMA1.ISR");

pub(super) const CASES: &[Case] = &[
    serial!(c084_stopped_channel_is_waited_for, H8, "embassy-rs/embassy#2180", HANGS, peers::offers_two),
    serial!(c087_next_transfer_overtakes_a_disable, H8, "atsamd-rs/atsamd#938", IN_FLIGHT, peers::sends_many),
    usb!(
        c088_amount_is_read_before_the_end,
        H8,
        "nrf-hal 393de60",
        Caught::Wrong("AMOUNT is of another transfer"),
        peers::sends_twos
    ),
    serial!(c089_dropped_receiver_is_not_stopped, H8, "nrf-hal 4f6c775", IN_FLIGHT, peers::offers_two),
    serial!(c091_half_of_a_transfer_is_taken_for_its_end, H8, "esp-rs/esp-hal#2179", IN_FLIGHT, peers::sends_two),
    serial!(c092_flags_are_cleared_after_the_start, H8, "esp-rs/esp-hal#869, #1859", HANGS, peers::gets_two),
    serial!(c095_handler_hides_the_end, H8, "embassy 44b7fe4", HANGS, peers::gets_two),
    serial!(
        c096_error_interrupt_is_not_enabled,
        H8,
        "zephyrproject-rtos/zephyr#106176",
        Caught::Hangs("the firmware falls asleep"),
        peers::silent
    ),
    serial!(
        c097_disabled_channel_is_not_waited_for,
        H8,
        "imxrt-dma 0.1.1, Drop for Transfer",
        IN_FLIGHT,
        peers::offers_two
    ),
    serial!(
        c099_flag_of_an_aborted_transfer_is_believed,
        H8,
        "raspberrypi/pico-feedback#224",
        IN_FLIGHT,
        peers::sends_many
    ),
];
