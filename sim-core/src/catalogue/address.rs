//! C.3: an address that is not the buffer's, or no longer.

use dma_api::stm32f103::dma::map;

use super::buffers::{Heap, LENGTH};
use super::steps::{finish, receive, send};
use super::{Case, Caught, Hazard, Serial, peers};
use crate::by_hand::stm32f103::{BUFFER, RX, SECOND, SENDS, TX};
use crate::explore::Board;
use crate::monitor::Rule;

/// The address of a register block's reference, not of the block: the transfer goes to the stack.
fn c031_address_of_a_temporary_is_taken(hand: &Serial, is_broken: bool) {
    hand.configure(TX, BUFFER, LENGTH);
    if is_broken {
        let temporary = SECOND;
        hand.write(map::cpar(TX), temporary);
    }
    hand.board.release_fence();
    hand.enable(TX, SENDS);
    finish(hand, TX);
}

/// A driver has its buffer in itself, and is moved while a transfer runs.
fn c032_driver_is_moved_with_its_inline_buffer(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let inside = heap.take();
    send(hand, inside.address(), LENGTH);
    if !is_broken {
        finish(hand, TX);
    }
    let _moved = inside.moved();
    heap.call_another();
}

/// A vector with inline storage: moving it needs no method of it.
fn c034_inline_collection_is_moved_in_flight(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let vector = heap.take();
    receive(hand, vector.address(), LENGTH);
    if !is_broken {
        finish(hand, RX);
    }
    let moved = vector.moved();
    assert_eq!(hand.load(moved.address()), 9, "what was received is somewhere else");
}

/// Header and payload of a request: the header is in the frame of the function that submits it.
fn c036_header_lives_in_the_submitting_frame(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let submit = || {
        let header = heap.take();
        hand.store(header.address(), 1);
        send(hand, header.address(), 1);
        if !is_broken {
            finish(hand, TX);
        }
    };
    submit();
    let payload = heap.take();
    if is_broken {
        finish(hand, TX);
    }
    send(hand, payload.address(), 1);
    finish(hand, TX);
}

/// A buffer on the stack is mapped, and its function returns by the shorter way.
fn c037_function_returns_early_from_its_stack_buffer(hand: &Serial, is_broken: bool) {
    let heap = Heap::new(hand);
    let request = || -> Result<(), ()> {
        let buffer = heap.take();
        receive(hand, buffer.address(), LENGTH);
        let is_refused = true;
        if is_refused && is_broken {
            return Err(());
        }
        finish(hand, RX);
        Err(())
    };
    assert_eq!(request(), Err(()));
    heap.call_another();
}

const IN_FLIGHT: Caught = Caught::Rule(Rule::CpuAccessInFlight);

pub(super) const CASES: &[Case] = &[
    serial!(
        c031_address_of_a_temporary_is_taken,
        H3,
        "rp-hal ad1d491",
        Caught::Rule(Rule::RequestOfAnother),
        peers::gets_two
    ),
    serial!(c032_driver_is_moved_with_its_inline_buffer, H3, "nrf-hal 0e01992", IN_FLIGHT, peers::silent),
    serial!(
        c034_inline_collection_is_moved_in_flight,
        H3,
        "heapless#362; embedded-graphics-framebuf#24",
        IN_FLIGHT,
        peers::sends_two
    ),
    serial!(c036_header_lives_in_the_submitting_frame, H3, "rcore-os/virtio-drivers#138", IN_FLIGHT, peers::silent),
    serial!(
        c037_function_returns_early_from_its_stack_buffer,
        H3,
        "lowlander/dmx_usb_module#2; notro/tinydrm#15",
        IN_FLIGHT,
        peers::sends_two
    ),
];
