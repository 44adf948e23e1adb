//! C.4: fences that are missing, too weak, or in the wrong place.
//!
//! Where the report is about a core that reorders, the broken program's fences are a compiler's on that core: what
//! differs is the system, not the program.

use dma_api::nrf52840::usbd as api;
use dma_api::registers::Registers;
use dma_api::stm32f103::dma::map::{self, ccr};
use dma_api::stm32f103::usart::Usart1;
use dma_api::stm32f103::usart::map::sr;

use super::buffers::LENGTH;
use super::steps::{self, receive, send};
use super::{Case, Caught, Hazard, Serial, Usb, peers};
use crate::by_hand::nrf52840::FIRST;
use crate::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SECOND, SENDS, TX};
use crate::explore::Board;
use crate::machine::{Fences, Machine, Strength};
use crate::monitor::Rule;
use crate::soc::Config;

/// Receives a packet, and looks at it.
fn c039_received_packet_is_read_without_fence(hand: &Usb, is_broken: bool) {
    hand.wait_for_packet();
    hand.start_out(1, FIRST, 8);
    hand.wait(api::map::events_endepout(1));
    if !is_broken {
        hand.0.acquire_fence();
    }
    assert_eq!(hand.load(FIRST), 2);
}

/// The fence stands behind the return by an error, and the caller looks at what has come.
fn c040_error_return_comes_before_the_fence(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    let usart = hand.board.block::<Usart1>();
    while !sr::FE.is_set(usart.read(sr())) {}
    hand.disable(RX);
    if !is_broken {
        hand.board.acquire_fence();
    }
    hand.load(BUFFER);
}

/// A packet is filled, and sent.
fn c041_packet_is_sent_without_fence(hand: &Usb, is_broken: bool) {
    (FIRST..FIRST + 8).for_each(|address| hand.store(address, 2));
    if !is_broken {
        hand.0.release_fence();
    }
    hand.start_in(1, FIRST, 8);
    hand.wait(api::map::events_endepin(1));
}

/// The buffer is cleared for the next frame: a store that is late is one into what has come.
fn c042_buffer_is_cleared_without_fence<B: Board>(hand: &Hand<B>, is_broken: bool) {
    hand.configure(RX, BUFFER, LENGTH);
    (BUFFER..BUFFER + LENGTH).for_each(|address| hand.store(address, 0));
    if !is_broken {
        hand.board.release_fence();
    }
    hand.enable(RX, RECEIVES);
    hand.wait(RX);
    hand.board.acquire_fence();
    hand.load(BUFFER + 1);
}

/// Fills and sends, with a fence in between.
fn fill_and_send<B: Board>(hand: &Hand<B>, _is_broken: bool) {
    hand.store(BUFFER + 1, 2);
    send(hand, BUFFER, LENGTH);
    hand.wait(TX);
}

/// Receives and reads, with a fence in between.
fn receive_and_read<B: Board>(hand: &Hand<B>, _is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.wait(RX);
    hand.board.acquire_fence();
    hand.load(BUFFER + 1);
}

fn c043_compiler_fence_leaves_the_store_buffer<B: Board>(hand: &Hand<B>, is_broken: bool) {
    fill_and_send(hand, is_broken);
}

/// Of two kinds of channels, one is started with a fence, and the other without.
fn c044_fence_is_in_one_arm_of_two(hand: &Serial, is_broken: bool) {
    hand.store(BUFFER + 1, 2);
    send(hand, BUFFER, LENGTH);
    hand.wait(TX);
    hand.store(SECOND, 7);
    hand.write(map::cpar(0), SECOND);
    hand.write(map::cmar(0), SECOND + 4);
    hand.write(map::cndtr(0), 1);
    if !is_broken {
        hand.board.release_fence();
    }
    hand.enable(0, ccr::MEM2MEM.mask() | ccr::MINC.mask() | ccr::PINC.mask());
    hand.wait(0);
}

/// What was received is changed in place, and sent: a fence between the end of one and the start of the other is two.
fn c046_transfer_in_place_has_one_fence_for_two(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    hand.wait(RX);
    hand.board.acquire_fence();
    hand.configure(TX, BUFFER, LENGTH);
    hand.store(BUFFER, hand.load(BUFFER) + 1);
    if !is_broken {
        hand.board.release_fence();
    }
    hand.enable(TX, SENDS);
    hand.wait(TX);
}

/// The flag that hands the buffer over is written behind the fence, and the payload too.
fn c048_payload_is_stored_behind_the_fence<B: Board>(hand: &Hand<B>, is_broken: bool) {
    hand.configure(TX, BUFFER, LENGTH);
    if is_broken {
        hand.board.release_fence();
        hand.store(BUFFER + 1, 2);
    } else {
        hand.store(BUFFER + 1, 2);
        hand.board.release_fence();
    }
    hand.enable(TX, SENDS);
    hand.wait(TX);
}

fn c049_received_frame_is_read_ahead<B: Board>(hand: &Hand<B>, is_broken: bool) {
    receive_and_read(hand, is_broken);
}

fn c051_second_fence_is_too_weak<B: Board>(hand: &Hand<B>, is_broken: bool) {
    receive_and_read(hand, is_broken);
}

fn c052_other_master_sees_the_start_first<B: Board>(hand: &Hand<B>, is_broken: bool) {
    fill_and_send(hand, is_broken);
}

/// A buffer that is stopped half-way comes back without a fence.
fn c056_stop_gives_back_without_fence(hand: &Serial, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    if is_broken {
        hand.disable(RX);
    } else {
        steps::stop(hand, RX);
    }
    hand.load(BUFFER);
}

/// The fence stands before the read that sees the end.
fn c056_fence_comes_before_the_status_is_read<B: Board>(hand: &Hand<B>, is_broken: bool) {
    receive(hand, BUFFER, LENGTH);
    if is_broken {
        hand.board.acquire_fence();
    }
    hand.wait(RX);
    if !is_broken {
        hand.board.acquire_fence();
    }
    hand.load(BUFFER);
}

/// The right fences of a machine; of the broken program, with a compiler's in one place.
fn on(machine: Machine, is_broken: bool, weaken: fn(Fences) -> Fences) -> Config {
    let right = Fences::right(machine);
    Config { fences: if is_broken { weaken(right) } else { right }, ..super::usart(is_broken) }
}

fn weak_start(fences: Fences) -> Fences {
    Fences { start: Strength::Compiler, ..fences }
}

fn weak_end(fences: Fences) -> Fences {
    Fences { end: Strength::Compiler, ..fences }
}

const RACE: Caught = Caught::Rule(Rule::Race);

pub(super) const CASES: &[Case] = &[
    usb!(c039_received_packet_is_read_without_fence, H5, "nrf-rs/nrf-hal#33, #34", RACE, peers::sends_twos),
    serial!(c040_error_return_comes_before_the_fence, H5, "nrf-hal 1d21d7a", RACE, peers::sends_broken),
    usb!(c041_packet_is_sent_without_fence, H5, "nrf-hal b6cc800", RACE, peers::takes_twos),
    serial!(c042_buffer_is_cleared_without_fence, H5, "jonas-schievink/rubble#68", RACE, peers::sends_two)
        .with_loom(c042_buffer_is_cleared_without_fence),
    serial!(c043_compiler_fence_leaves_the_store_buffer, H5, "embassy-rs/embassy#265, #355", RACE, peers::gets_two)
        .on(|is_broken| on(Machine::CortexM7, is_broken, weak_start))
        .with_loom(c043_compiler_fence_leaves_the_store_buffer),
    serial!(c044_fence_is_in_one_arm_of_two, H5, "embassy 00b2567", RACE, peers::gets_two),
    serial!(c046_transfer_in_place_has_one_fence_for_two, H5, "atsamd-rs/atsamd#780", RACE, peers::sends_two),
    serial!(c048_payload_is_stored_behind_the_fence, H5, "quartiq/stabilizer#49", RACE, peers::gets_two)
        .with_loom(c048_payload_is_stored_behind_the_fence),
    serial!(c049_received_frame_is_read_ahead, H5, "stm32-rs/stm32-eth#13, #17", RACE, peers::sends_two)
        .on(|is_broken| on(Machine::CortexM7, is_broken, weak_end))
        .with_loom(c049_received_frame_is_read_ahead),
    serial!(c051_second_fence_is_too_weak, H5, "project-oak/oak#3710", RACE, peers::sends_two)
        .on(|is_broken| on(Machine::MultiCore, is_broken, weak_end))
        .with_loom(c051_second_fence_is_too_weak),
    serial!(c052_other_master_sees_the_start_first, H5, "FutureSDR/xilinx-dma#2", RACE, peers::gets_two)
        .on(|is_broken| on(Machine::MultiCore, is_broken, weak_start))
        .with_loom(c052_other_master_sees_the_start_first),
    serial!(c056_stop_gives_back_without_fence, H5, "stm32f1xx-hal 0.11, CircBuffer::stop", RACE, peers::offers_two),
    serial!(
        c056_fence_comes_before_the_status_is_read,
        H5,
        "imxrt-dma 0.1.1; embassy-rp dma.rs @66f5f6e8",
        RACE,
        peers::sends_two
    )
    .with_loom(c056_fence_comes_before_the_status_is_read),
];
