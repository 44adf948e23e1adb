//! The subject: `Ep0In` on the real chip's bus, behind plain names.

use dma_api::fence::{Barrier, InOrder};
use dma_api::nrf52840::usbd::{ChipBus, Ep0In};

/// `Ep0In::start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn ep0in_start(endpoint: &mut Ep0In<ChipBus<InOrder>>, bytes: &[u8]) -> bool {
    endpoint.start(bytes).is_ok()
}

/// `Ep0In::end`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn ep0in_end(endpoint: &mut Ep0In<ChipBus<InOrder>>) -> bool {
    endpoint.end().is_ok()
}

/// `Ep0In::start`, for a core that needs a barrier.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn barrier_start(endpoint: &mut Ep0In<ChipBus<Barrier>>, bytes: &[u8]) -> bool {
    endpoint.start(bytes).is_ok()
}

/// `Ep0In::end`, for a core that needs a barrier.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn barrier_end(endpoint: &mut Ep0In<ChipBus<Barrier>>) -> bool {
    endpoint.end().is_ok()
}
