//! The fences that loom sees.

#![expect(clippy::disallowed_methods, reason = "the modelled fences that every other file is kept from stand here")]

use loom::sync::atomic::{AtomicUsize, Ordering, fence};

/// A release fence.
pub fn release() {
    fence(Ordering::Release);
}

/// An acquire fence.
pub fn acquire() {
    fence(Ordering::Acquire);
}

/// An acquire and release fence.
pub fn acquire_release() {
    fence(Ordering::AcqRel);
}

/// A sequentially consistent fence.
///
/// loom 0.7.2 lets it synchronise with every other one, and does not switch threads at it, so that two of them hide
/// races. The read-modify-write of `order`, which all such fences of a model share, makes loom switch, and so try both
/// orders.
pub fn sequentially_consistent(order: &AtomicUsize) {
    order.fetch_add(1, Ordering::Relaxed);
    fence(Ordering::SeqCst);
}
