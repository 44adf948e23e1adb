//! A location that several threads read and write, as loom is to see it.
//!
//! To loom both ways are read-modify-writes: a load finds the latest value, as a register read does; and loom 0.7.2
//! forgets a thread's loads when the same thread stores afterwards (tokio-rs/loom#392), which hides races.

use std::cell::Cell;
use std::sync::Mutex;

use loom::sync::atomic::{AtomicUsize, Ordering};

use super::fence::{self, Stamp};
use super::lock;

thread_local! {
    /// How often, in this execution, somebody has read since anybody has written: loom's threads are one of the
    /// system's.
    static READS_SINCE_A_WRITE: Cell<u32> = const { Cell::new(0) };
}

/// A relaxed location.
///
/// See the [module](super) `model` for an example.
#[derive(Debug, Default)]
pub struct Location {
    value: AtomicUsize,
    /// What the writer of the latest value had released. A write replaces it, whoever makes it, as in C++20.
    stamp: Mutex<Option<Stamp>>,
}

impl Location {
    /// A location that holds 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the latest value.
    pub fn read(&self) -> usize {
        READS_SINCE_A_WRITE.set(READS_SINCE_A_WRITE.get().saturating_add(1));
        let value = self.value.fetch_add(0, Ordering::Relaxed);
        if let Some(stamp) = &*lock(&self.stamp) {
            fence::collect(stamp);
        }
        value
    }

    /// Writes a value.
    pub fn write(&self, value: usize) {
        READS_SINCE_A_WRITE.set(0);
        self.value.swap(value, Ordering::Relaxed);
        *lock(&self.stamp) = fence::released();
    }
}

/// An execution begins.
pub(super) fn begin() {
    READS_SINCE_A_WRITE.set(0);
}

/// How often somebody has read since anybody has written.
pub(super) fn reads_since_a_write() -> u32 {
    READS_SINCE_A_WRITE.get()
}
