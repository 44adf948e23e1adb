//! The primitives, and stages one to four: whose the memory is, and in which order.

use std::mem;

use super::super::Serial;
use super::super::buffers::{Heap, LENGTH, Slice};
use super::super::steps::{finish, receive};
use super::Port;
use crate::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SECOND, SENDS, TX};
use crate::explore::Board;

/// Stages one and two: a transfer is a note of its buffer.
pub struct Transfer<B> {
    pub _buffer: B,
}

/// Stage one, with any lifetime; stage two, with one for ever.
pub fn read_exact<B: Slice>(port: &mut Port<'_>, mut buffer: B) -> Transfer<B> {
    port.start(buffer.address());
    Transfer { _buffer: buffer }
}

/// The setters are safe: so is a write to anywhere.
pub fn s000_address_is_set_by_a_safe_method(hand: &Serial, is_broken: bool) {
    let end_of_ram = SECOND + 8;
    receive(hand, if is_broken { end_of_ram } else { BUFFER }, LENGTH);
    finish(hand, RX);
}

/// `in_progress` is nobody's: it says that a channel has ended, but not which.
pub fn s000_status_is_of_another_channel(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.configure(TX, SECOND, LENGTH);
    hand.enable(TX, SENDS);
    finish(hand, if is_broken { TX } else { RX });
    assert_eq!(hand.load(BUFFER), 9, "nothing has come yet");
}

/// The array of the caller's frame is borrowed, the transfer forgotten, the frame reused.
#[expect(clippy::forget_non_drop, reason = "that it has no destructor is what is wrong with it")]
pub fn s001_transfer_of_a_stack_array_is_forgotten(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    if is_broken {
        let mut array = heap.take();
        mem::forget(read_exact(&mut port, &mut array));
    } else {
        mem::forget(read_exact(&mut port, heap.take_for_ever()));
    }
    heap.call_another();
}

/// To drop it is no better: nothing is done then. The twin waits, as its example does.
#[expect(clippy::drop_non_drop, reason = "that it has no destructor is what is wrong with it")]
pub fn s001_transfer_of_a_stack_array_is_dropped(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    {
        let mut array = heap.take();
        let transfer = read_exact(&mut port, &mut array);
        if !is_broken {
            finish(hand, RX);
        }
        drop(transfer);
    }
    heap.call_another();
}

/// Stage two gives `&mut self` back at once: a second transfer is begun in the middle of the first.
pub fn s002_second_transfer_is_started_over_the_first(hand: &Serial, is_broken: bool) {
    let (heap, mut port) = (Heap::new(hand), Port(hand));
    let _first = read_exact(&mut port, heap.take_for_ever());
    if is_broken {
        let _second = read_exact(&mut port, heap.take_for_ever());
    } else {
        // Stage three: the port is in the transfer, until that has ended.
        finish(hand, RX);
    }
}

/// Stage three: the CPU's accesses may be moved across start and end. Stage four has a fence at either.
pub fn s003_buffer_is_read_without_fence<B: Board>(hand: &Hand<B>, is_broken: bool) {
    hand.configure(RX, BUFFER, LENGTH);
    hand.store(BUFFER, 0);
    hand.board.release_fence();
    hand.enable(RX, RECEIVES);
    hand.wait(RX);
    if !is_broken {
        hand.board.acquire_fence();
    }
    hand.load(BUFFER);
}

/// The same at the start.
pub fn s003_buffer_is_filled_without_fence<B: Board>(hand: &Hand<B>, is_broken: bool) {
    hand.configure(RX, BUFFER, LENGTH);
    hand.store(BUFFER, 0);
    if !is_broken {
        hand.board.release_fence();
    }
    hand.enable(RX, RECEIVES);
    hand.wait(RX);
    hand.board.acquire_fence();
    hand.load(BUFFER);
}

/// Stage four has compiler fences: on a Cortex-M7 they order nothing. What differs is the system, not the program.
pub fn s004_compiler_fence_on_a_core_that_reorders<B: Board>(hand: &Hand<B>, _is_broken: bool) {
    s003_buffer_is_read_without_fence(hand, false);
}
