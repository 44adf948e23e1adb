//! The floor: the register accesses, the fence and the copy, without a check.
//!
//! Not a driver. It sends garbage when it is started twice, writes past its buffer when it is given more than 64
//! bytes, and ends a transfer that still runs. It is here to show what part of the cost the checks are.

#![expect(clippy::disallowed_methods, reason = "code by hand fences by hand")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "the sequence is what is measured: one block, as by hand")]

use core::ptr::copy_nonoverlapping;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::registers::{
    DMALATCH, DMALATCH_RUNNING, EP0DATADONE_EP0STATUS, EPIN_0_MAXCNT, EPIN_0_PTR, EVENTS_ENDEPIN_0, EVENTS_EP0DATADONE,
    EVENTS_EP0SETUP, SHORTS, TASKS_STARTEPIN_0,
};

/// The accesses with which `Ep0In::start` succeeds from idle.
///
/// # Safety
///
/// - This runs on an nRF52840, and nobody else accesses USBD meanwhile.
/// - `buffer` is in RAM, valid forever, as long as `bytes` at least and not part of it.
/// - Nobody else accesses `buffer`, neither CPU nor DMA, and no EasyDMA transfer runs.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "addresses and lengths have 32 bits on this chip")]
pub unsafe fn bare_start(buffer: *mut u8, bytes: &[u8]) {
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's first promise.
    // - The buffer is valid for writes of the length of `bytes`, and apart from it: the second.
    // - The DMA does not use the buffer: the third.
    unsafe {
        copy_nonoverlapping(bytes.as_ptr(), buffer, bytes.len());
        // ORDERING: pairs with the acquire in `bare_end`; orders the copy before TASKS_STARTEPIN[0].
        compiler_fence(Ordering::Release);
        EPIN_0_PTR.write_volatile(buffer.expose_provenance() as u32);
        EPIN_0_MAXCNT.write_volatile(bytes.len() as u32);
        EVENTS_ENDEPIN_0.write_volatile(0);
        EVENTS_EP0DATADONE.write_volatile(0);
        SHORTS.write_volatile(EP0DATADONE_EP0STATUS);
        DMALATCH.write_volatile(DMALATCH_RUNNING);
        TASKS_STARTEPIN_0.write_volatile(1);
        // What `Ep0In` learns from it, nobody here keeps.
        let _ = EVENTS_EP0SETUP.read_volatile();
    }
}

/// The writes with which `Ep0In::end` succeeds. The reads that precede them there are checks.
///
/// # Safety
///
/// - This runs on an nRF52840, and nobody else accesses USBD meanwhile.
/// - The transfer has ended and the host has the packet: both events were read as 1.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_end() {
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's first promise.
    unsafe {
        // ORDERING: pairs with the release in `bare_start`; orders the next copy after the reads of the caller.
        compiler_fence(Ordering::Acquire);
        EVENTS_ENDEPIN_0.write_volatile(0);
        DMALATCH.write_volatile(0);
        EVENTS_EP0DATADONE.write_volatile(0);
        SHORTS.write_volatile(0);
    }
}
