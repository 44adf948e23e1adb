//! C.10: circular and double buffers.
//!
//! A ring of four bytes is filled for ever, and read while it is. That the CPU looks there at all while the DMA writes
//! is not what is judged here: these rules are left to silicon. What is judged is the data: in order, each once, and
//! what is lost is told.

use dma_api::stm32f103::dma::map::{self, HTIF, TCIF, ccr};

use super::{Case, Caught, Hazard, Serial, peers};
use crate::by_hand::stm32f103::{RECEIVES, RX, SECOND};
use crate::explore::Board;
use crate::monitor::{Policies, Policy, Rule};
use crate::soc::Config;

/// Where the ring is.
const RING: u32 = SECOND;

/// How many bytes it has.
const LENGTH: u32 = 4;

/// What the peer sends first; it counts on.
const FIRST: u8 = peers::COUNTS_FROM;

/// A ring that fills.
struct Ring<'h> {
    hand: &'h Serial,
    laps: u32,
}

impl<'h> Ring<'h> {
    fn start(hand: &'h Serial) -> Self {
        hand.configure(RX, RING, LENGTH);
        hand.board.release_fence();
        hand.enable(RX, RECEIVES | ccr::CIRC.mask());
        Self { hand, laps: 0 }
    }

    /// Which of these flags are set.
    fn flags(&self, flags: u32) -> u32 {
        self.hand.read(map::isr()) >> map::flags_of(RX) & flags
    }

    fn clear(&self, flags: u32) {
        self.hand.write(map::ifcr(), flags << map::flags_of(RX));
    }

    /// Where the DMA is.
    fn position(&self) -> u32 {
        LENGTH - self.hand.read(map::cndtr(RX))
    }

    /// Counts a lap, if one has ended. One that ends before the flag is cleared is not seen: two laps in between are
    /// too many, and nobody here sends so much.
    fn count_lap(&mut self) {
        if self.flags(TCIF) != 0 {
            self.clear(TCIF);
            self.laps += 1;
        }
    }

    /// How many bytes have come: laps and position are of one moment.
    fn came(&mut self) -> u32 {
        loop {
            self.count_lap();
            let (laps, position) = (self.laps, self.position());
            if self.flags(TCIF) == 0 {
                return laps * LENGTH + position;
            }
        }
    }

    /// The byte that came as the `count`th, if it is still there.
    fn byte(&self, count: u32) -> u8 {
        self.hand.board.acquire_fence();
        self.hand.load(RING + count % LENGTH)
    }
}

/// What came as the `count`th, counted from 0, is what the peer has sent.
#[track_caller]
fn assert_is(byte: u8, count: u32) {
    assert_eq!(u32::from(byte), u32::from(FIRST) + count, "something else came, and nobody said so");
}

/// The position is read, and then the flag that says in which lap that was.
fn c112_position_and_lap_are_of_two_moments(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    let came = if is_broken {
        let position = ring.position();
        ring.count_lap();
        ring.laps * LENGTH + position
    } else {
        ring.came()
    };
    assert!(came <= peers::COUNT.into(), "more has come than was sent");
}

/// Only positions are compared: a reader that is a lap behind looks like one that is ahead.
fn c114_lap_is_not_counted(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    let came = if is_broken { ring.position() } else { ring.came() };
    if came == 0 || came > LENGTH {
        // Nothing, or an overrun: it is told.
        return;
    }
    let byte = ring.byte(0);
    let overrun = if is_broken { ring.position() < came } else { ring.came() > LENGTH };
    if !overrun {
        assert_is(byte, 0);
    }
}

/// Both halves are full when somebody looks, and the flag of the second is cleared with that of the first.
fn c115_half_flag_masks_the_other(hand: &Serial, is_broken: bool) {
    let ring = Ring::start(hand);
    let mut halves = 0;
    while halves < 2 {
        let flags = ring.flags(HTIF | TCIF);
        if flags & HTIF != 0 {
            ring.clear(if is_broken { HTIF | TCIF } else { HTIF });
            halves += 1;
        } else if flags & TCIF != 0 {
            ring.clear(TCIF);
            halves += 1;
        }
    }
}

/// Copies two bytes, and looks then whether the DMA was faster: than a reader that is said to be ahead already.
fn c115_index_is_advanced_before_the_copy(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    while ring.came() < 2 {}
    let read = if is_broken { 2 } else { 0 };
    let first = ring.byte(0);
    if ring.came() - read <= LENGTH {
        assert_is(first, 0);
    }
}

/// After an overrun the reader begins where the DMA is; or at the start of the ring, with what is old there.
fn c116_position_is_reset_by_an_overrun(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    let lost = ring.came();
    if lost <= LENGTH {
        return;
    }
    let next = if is_broken { lost - lost % LENGTH } else { lost };
    let came = ring.came();
    if came > next && came - next <= LENGTH {
        let byte = ring.byte(next);
        assert!(u32::from(byte) >= u32::from(FIRST) + lost, "{byte} is older than the overrun");
    }
}

/// A closure has the first half for as long as it likes; nobody looks whether the DMA has come round by then.
fn c118_closure_is_longer_than_a_swap(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    while ring.flags(HTIF) == 0 {}
    let half = [ring.byte(0), {
        ring.position();
        ring.byte(1)
    }];
    if is_broken || ring.came() <= LENGTH {
        assert_is(half[0], 0);
        assert_is(half[1], 1);
    }
}

/// How much there is, when the DMA has wrapped and the reader has not.
fn c121_length_underflows_at_the_wrap(hand: &Serial, is_broken: bool) {
    let ring = Ring::start(hand);
    let read = ring.position();
    let position = ring.position();
    let length = if is_broken { position.wrapping_sub(read) } else { (position + LENGTH - read) % LENGTH };
    assert!(length < LENGTH, "{length} bytes are more than the ring has");
}

/// The bit that says which half is the DMA's is read the other way round.
fn c122_other_half_is_handed_out(hand: &Serial, is_broken: bool) {
    let mut ring = Ring::start(hand);
    while ring.flags(HTIF) == 0 {}
    let half = if is_broken { 2 } else { 0 };
    let byte = ring.byte(half);
    if ring.came() <= LENGTH {
        assert_is(byte, 0);
    }
}

/// Loads from the ring in flight are what is done here, and no finding.
fn ring(is_broken: bool) -> Config {
    let policies =
        Policies::all(Policy::Stop).with(Rule::CpuAccessInFlight, Policy::Silicon).with(Rule::Race, Policy::Silicon);
    Config { policies, ..super::usart(is_broken) }
}

const OTHER: Caught = Caught::Wrong("something else came, and nobody said so");

pub(super) const CASES: &[Case] = &[
    serial!(
        c112_position_and_lap_are_of_two_moments,
        H12,
        "stm32-rs/stm32l4xx-hal#205, #242",
        Caught::Wrong("more has come than was sent"),
        peers::counts
    )
    .on(ring),
    serial!(c114_lap_is_not_counted, H12, "embassy-rs/embassy#1427, #1428, #3336", OTHER, peers::counts).on(ring),
    serial!(
        c115_half_flag_masks_the_other,
        H12,
        "embassy-rs/embassy#5693",
        Caught::Hangs("DMA1.ISR"),
        peers::counts_a_lap
    )
    .on(ring),
    serial!(c115_index_is_advanced_before_the_copy, H12, "embassy-rs/embassy#5693", OTHER, peers::counts).on(ring),
    serial!(
        c116_position_is_reset_by_an_overrun,
        H12,
        "embassy-rs/embassy#6255, #6592",
        Caught::Wrong("is older than the overrun"),
        peers::counts
    )
    .on(ring),
    serial!(c118_closure_is_longer_than_a_swap, H12, "stm32f4xx-hal#186; embassy#648, #702", OTHER, peers::counts)
        .on(ring),
    serial!(
        c121_length_underflows_at_the_wrap,
        H12,
        "zephyrproject-rtos/zephyr#102833, #76799",
        Caught::Wrong("bytes are more than the ring has"),
        peers::counts
    )
    .on(ring),
    serial!(c122_other_half_is_handed_out, H12, "stm32h7xx-hal-driver#108", OTHER, peers::counts).on(ring),
];
