//! C.6: one channel, one engine, one buffer, and two who use it.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use dma_api::stm32f103::dma::map::{self as dma, ccr};

use super::buffers::LENGTH;
use super::steps::{finish, receive, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::{FIRST, SECOND as TWOS};
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, TX};
use crate::explore::Board;
use crate::monitor::Rule;

/// Two targets that a safe trait says are two, at one address.
fn c065_two_transfers_have_one_target(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.write(dma::cpar(0), SECOND + 4);
    hand.write(dma::cmar(0), if is_broken { BUFFER } else { SECOND });
    hand.write(dma::cndtr(0), LENGTH);
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::MINC.mask() | ccr::PINC.mask());
    finish(hand, 0);
    finish(hand, RX);
    assert_eq!(hand.load(BUFFER), 9, "the driver has received something else");
}

/// Endpoints have one engine: a handler starts a transfer between the look at `busy` and the start.
fn c066_busy_is_checked_and_then_set(hand: &Usb, is_broken: bool) {
    let busy = Rc::new(Cell::new(false));
    hand.write(map::intenset(), map::inten::EPDATA.mask());
    let (in_handler, shared) = (hand.clone(), busy.clone());
    let handler = move || {
        in_handler.write(map::events_epdata(), 0);
        let status = in_handler.read(map::epdatastatus());
        in_handler.write(map::epdatastatus(), status);
        let has_come = map::epdatastatus::EPOUT1.is_set(status);
        if has_come && !shared.replace(true) {
            in_handler.start_out(1, FIRST, 8);
        }
    };
    let start = || {
        if busy.get() {
            return;
        }
        // The handler may run here.
        hand.write(map::epin_ptr(1), TWOS);
        hand.write(map::epin_maxcnt(1), 8);
        busy.set(true);
        hand.write(map::tasks_startepin(1), 1);
    };
    hand.0.clone().with_interrupt(handler, || {
        if is_broken {
            start();
        } else {
            hand.0.critical_section(start);
        }
    });
}

/// A core register is read while the engine has the core.
fn c067_size_is_read_while_the_engine_runs(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_in(1, FIRST, 8);
    if !is_broken {
        hand.wait(map::events_endepin(1));
    }
    assert_eq!(hand.read(map::size_epout(1)), 8);
}

/// The end of a transfer arms the endpoint; so does the driver.
fn c068_endpoint_is_armed_twice(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_out(1, FIRST, 8);
    hand.wait(map::events_endepout(1));
    if is_broken {
        hand.write(map::size_epout(1), 0);
    }
}

/// The caller has its buffer back when the request is queued, and prepares the next packet in it.
fn c070_buffer_of_a_pending_packet_is_reused(hand: &Usb, is_broken: bool) {
    for packet in [1, 1] {
        (FIRST..FIRST + 8).for_each(|address| hand.store(address, packet));
        hand.0.release_fence();
        hand.start_in(1, FIRST, 8);
        if !is_broken {
            hand.wait(map::events_endepin(1));
            hand.wait(map::events_epdata());
            hand.write(map::epdatastatus(), map::epdatastatus::EPIN1.mask());
            hand.0.acquire_fence();
        }
    }
}

/// One static buffer for two requests: the second is written over the first, before that was sent.
fn c071_static_buffer_has_two_users(hand: &Serial, is_broken: bool) {
    let fill = |request: u8| (BUFFER..BUFFER + LENGTH).zip(request..).for_each(|(to, byte)| hand.store(to, byte));
    let submit = || {
        send(hand, BUFFER, LENGTH);
        finish(hand, TX);
    };
    fill(1);
    if is_broken {
        fill(3);
        submit();
        submit();
    } else {
        submit();
        fill(3);
        submit();
    }
}

pub(super) const CASES: &[Case] = &[
    serial!(
        c065_two_transfers_have_one_target,
        H7,
        "rp-rs/rp-hal#620, #621",
        Caught::Wrong("the driver has received something else"),
        peers::sends_two
    ),
    usb!(
        c066_busy_is_checked_and_then_set,
        H7,
        "hathach/tinyusb#1208, #1489; apache/nuttx#9508",
        Caught::Rule(Rule::StartWhileBusy),
        peers::sends_twos
    ),
    usb!(
        c067_size_is_read_while_the_engine_runs,
        H7,
        "hathach/tinyusb#1474",
        Caught::Rule(Rule::AccessDuringTransfer),
        peers::sends_twos
    ),
    usb!(
        c068_endpoint_is_armed_twice,
        H7,
        "embassy-rs/embassy#6688",
        Caught::Rule(Rule::ArmedTwice),
        peers::sends_twos
    ),
    usb!(
        c070_buffer_of_a_pending_packet_is_reused,
        H7,
        "zephyrproject-rtos/zephyr#71306",
        Caught::Rule(Rule::CpuAccessInFlight),
        peers::takes_ones_twice
    ),
    serial!(
        c071_static_buffer_has_two_users,
        H7,
        "NON-OS/nonos-micro-kernel#93",
        Caught::Wrong("came where [1, 2, 3, 4] was due"),
        peers::gets_four
    ),
];
