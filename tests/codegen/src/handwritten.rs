//! The twin: what a careful programmer writes without the crate.
//!
//! The same checks as in `Ep0In`, the same register accesses in the same order, the same fences, the same answers
//! (the test compares the accesses of every path). What differs:
//!
//! - `Ep0In` keeps the length that it has lent, because `acquire` is given it: a fence that maintains a cache needs it.
//!   The twin knows that this chip has no cache.
//! - `Ep0In` tells why it refused, in a `Result`. Here as there, the caller asks only whether it did.
//! - The twin is unsafe to call: what `Ep0In` knows from its types is the caller's promise here.

#![expect(clippy::disallowed_methods, reason = "code by hand fences by hand")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "the sequence is what is measured: one block, as by hand")]

use core::ptr::copy_nonoverlapping;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::registers::{
    CORE_EP0CS, CORE_EP0CS_INBSY, COREDATA, COREINDEX, DMALATCH, DMALATCH_RUNNING, EP0DATADONE_EP0STATUS,
    EPIN_0_MAXCNT, EPIN_0_PTR, EVENTS_ENDEPIN_0, EVENTS_EP0DATADONE, EVENTS_EP0SETUP, SHORTS, TASKS_STARTEPIN_0,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Sending,
    Aborted,
}

/// Endpoint 0 IN by hand: a pointer to 64 bytes of RAM, and who has them.
pub struct Handwritten {
    buffer: *mut u8,
    state: State,
    /// A SETUP has come before the host has fetched the packet.
    overtaken: bool,
}

impl Handwritten {
    /// An idle endpoint that sends from `buffer`.
    pub const fn new(buffer: *mut u8) -> Self {
        Self { buffer, state: State::Idle, overtaken: false }
    }

    /// Gives a packet on its way up, without the register write that belongs to it: it makes the state reachable.
    pub const fn abort(&mut self) {
        if matches!(self.state, State::Sending) {
            self.state = State::Aborted;
        }
    }
}

/// `Ep0In::start` by hand.
///
/// # Safety
///
/// - This runs on an nRF52840, and nobody else accesses USBD meanwhile.
/// - The endpoint's buffer is 64 bytes of RAM that are valid forever and that nobody else accesses.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "addresses and lengths have 32 bits on this chip")]
pub unsafe fn handwritten_start(endpoint: &mut Handwritten, bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return false;
    }
    if bytes.len() > 64 {
        return false;
    }
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's first promise.
    // - `bytes` is valid for reads of its length, the buffer for writes of 64 bytes, and the length was compared with
    //   64 above. They do not overlap: nobody else has the buffer, the caller's second promise.
    // - The DMA does not use the buffer: the state is `Idle`, or EVENTS_ENDEPIN[0] is read as 1 first.
    unsafe {
        match endpoint.state {
            State::Idle => {}
            State::Sending => return false,
            State::Aborted => {
                if EVENTS_ENDEPIN_0.read_volatile() == 0 {
                    return false;
                }
                // ORDERING: pairs with the release below; orders the copy after the read above.
                compiler_fence(Ordering::Acquire);
                EVENTS_ENDEPIN_0.write_volatile(0);
                DMALATCH.write_volatile(0);
                endpoint.state = State::Idle;
                COREINDEX.write_volatile(CORE_EP0CS);
                COREDATA.write_volatile(COREDATA.read_volatile() | CORE_EP0CS_INBSY);
            }
        }
        copy_nonoverlapping(bytes.as_ptr(), endpoint.buffer, bytes.len());
        // ORDERING: pairs with the acquire above and in `handwritten_end`; orders the copy before TASKS_STARTEPIN[0].
        compiler_fence(Ordering::Release);
        endpoint.state = State::Sending;
        EPIN_0_PTR.write_volatile(endpoint.buffer.expose_provenance() as u32);
        EPIN_0_MAXCNT.write_volatile(bytes.len() as u32);
        EVENTS_ENDEPIN_0.write_volatile(0);
        EVENTS_EP0DATADONE.write_volatile(0);
        SHORTS.write_volatile(EP0DATADONE_EP0STATUS);
        DMALATCH.write_volatile(DMALATCH_RUNNING);
        TASKS_STARTEPIN_0.write_volatile(1);
        endpoint.overtaken = EVENTS_EP0SETUP.read_volatile() != 0 && EVENTS_EP0DATADONE.read_volatile() == 0;
    }
    true
}

/// `Ep0In::end` by hand.
///
/// # Safety
///
/// - This runs on an nRF52840, and nobody else accesses USBD meanwhile.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_end(endpoint: &mut Handwritten) -> bool {
    if endpoint.state != State::Sending {
        return false;
    }
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's promise.
    unsafe {
        if EVENTS_EP0DATADONE.read_volatile() == 0 {
            return false;
        }
        if EVENTS_ENDEPIN_0.read_volatile() == 0 {
            return false;
        }
        // ORDERING: pairs with the release in `handwritten_start`; orders the next copy after the read above.
        compiler_fence(Ordering::Acquire);
        EVENTS_ENDEPIN_0.write_volatile(0);
        DMALATCH.write_volatile(0);
        endpoint.state = State::Idle;
        EVENTS_EP0DATADONE.write_volatile(0);
        SHORTS.write_volatile(0);
    }
    true
}
