//! What orders CPU and DMA: a fence before START, one after END is seen.

use dma_api::nrf52840::usbd::map;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, sends_twos, takes_twos};

/// Writes a packet of twos where ones are.
fn fill<B: Board>(hand: &Hand<B>) {
    (FIRST..FIRST + 8).for_each(|address| hand.store(address, 2));
}

/// Starts without a release fence after the last write to the buffer.
#[derive(Debug)]
pub struct NoReleaseFence;

impl Mutant for NoReleaseFence {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        fill(hand);
        if !wrong {
            hand.0.release_fence();
        }
        hand.start_in(1, FIRST, 8);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    /// Simulated stores are not late. Those of silicon may be.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Has the fence behind START instead of before it.
#[derive(Debug)]
pub struct StartBeforeTheFence;

impl Mutant for StartBeforeTheFence {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        fill(hand);
        if !wrong {
            hand.0.release_fence();
        }
        hand.start_in(1, FIRST, 8);
        hand.0.release_fence();
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Reads what it has received without an acquire fence.
#[derive(Debug)]
pub struct NoAcquireFence;

impl Mutant for NoAcquireFence {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait_for_packet();
        hand.start_out(1, FIRST, 8);
        hand.wait(map::events_endepout(1));
        if !wrong {
            hand.0.acquire_fence();
        }
        assert_eq!(hand.load(FIRST), 2);
    }

    fn host(&self, host: Host) -> Script {
        sends_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Has the fence before the read that sees END, instead of behind it.
#[derive(Debug)]
pub struct FenceBeforeTheEnd;

impl Mutant for FenceBeforeTheEnd {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait_for_packet();
        hand.start_out(1, FIRST, 8);
        hand.0.acquire_fence();
        hand.wait(map::events_endepout(1));
        if !wrong {
            hand.0.acquire_fence();
        }
        assert_eq!(hand.load(FIRST), 2);
    }

    fn host(&self, host: Host) -> Script {
        sends_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}
