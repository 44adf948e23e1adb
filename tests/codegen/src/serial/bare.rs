//! The floor: the register accesses and the fences, without a check.
//!
//! Not a driver. It starts a transfer of nothing, which never ends, sends from where the DMA cannot read, and takes an
//! error for the end. It is here to show what part of the cost the checks are.

#![expect(clippy::disallowed_methods, reason = "code by hand fences by hand")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "the sequence is what is measured: one block, as by hand")]

use core::sync::atomic::{Ordering, compiler_fence};

use super::registers::{ALL_BUT_TC, IFCR, ISR, RECEIVE1, RECEIVE2, Registers, TRANSMIT1, TRANSMIT2};

/// Gives `length` bytes to the DMA and starts.
///
/// # Safety
///
/// - This runs on an STM32F103, and nobody else accesses DMA1 and the USARTs meanwhile.
/// - The bytes are valid for the DMA, which reaches them, and nobody else accesses them until the end.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "addresses and lengths have 32 bits on this chip")]
unsafe fn start(channel: &Registers, pointer: *const u8, length: usize) {
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's first promise.
    // - The DMA has the bytes to itself: the second.
    unsafe {
        IFCR.write_volatile(channel.gif);
        // ORDERING: pairs with the acquire in `wait`; orders the caller's accesses before EN=1.
        compiler_fence(Ordering::Release);
        channel.cpar.write_volatile(channel.dr_address);
        channel.cmar.write_volatile(pointer.expose_provenance() as u32);
        channel.cndtr.write_volatile(length as u32);
        if channel.sends {
            channel.sr.write_volatile(ALL_BUT_TC);
            channel.brr.read_volatile();
        }
        channel.ccr.write_volatile(channel.mode());
    }
}

/// Waits for the end and disables the channel.
///
/// # Safety
///
/// - This runs on an STM32F103, and nobody else accesses DMA1 meanwhile.
#[inline(always)]
unsafe fn wait(channel: &Registers) {
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's promise.
    unsafe {
        while ISR.read_volatile() & (channel.tcif | channel.teif) == 0 {}
        // ORDERING: pairs with the release in `start`; orders the caller's accesses after the read above.
        compiler_fence(Ordering::Acquire);
        channel.ccr.write_volatile(0);
        IFCR.write_volatile(channel.gif);
    }
}

/// The accesses with which `Sender::write_all` succeeds.
///
/// # Safety
///
/// - As for `start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_sender_start(pointer: *const u8, length: usize) {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { start(&TRANSMIT1, pointer, length) }
}

/// The accesses with which `Transfer::wait` succeeds, but for those that only an error is told by.
///
/// # Safety
///
/// - As for `wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_sender_wait() {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { wait(&TRANSMIT1) }
}

/// Start and wait.
///
/// # Safety
///
/// - As for `start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_sender_send(pointer: *const u8, length: usize) {
    // SAFETY:
    // - The caller's debt, passed on unchanged; nobody accesses the channel in between.
    unsafe {
        start(&TRANSMIT2, pointer, length);
        wait(&TRANSMIT2);
    }
}

/// The accesses with which `Receiver::read_exact` succeeds, but for the look at the line.
///
/// # Safety
///
/// - As for `start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_receiver_start(pointer: *mut u8, length: usize) {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { start(&RECEIVE1, pointer, length) }
}

/// The accesses with which `Transfer::wait` succeeds, but for those that only an error is told by.
///
/// # Safety
///
/// - As for `wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_receiver_wait() {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { wait(&RECEIVE1) }
}

/// Start and wait.
///
/// # Safety
///
/// - As for `start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn bare_receiver_receive(pointer: *mut u8, length: usize) {
    // SAFETY:
    // - The caller's debt, passed on unchanged; nobody accesses the channel in between.
    unsafe {
        start(&RECEIVE2, pointer, length);
        wait(&RECEIVE2);
    }
}
