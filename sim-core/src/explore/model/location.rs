//! A location that several threads read and write, as loom is to see it.
//!
//! Both ways are read-modify-writes: a load finds the latest value, as a register read does; and loom 0.7.2 forgets a
//! thread's loads when the same thread stores afterwards (tokio-rs/loom#392), which hides races.

use loom::sync::atomic::{AtomicUsize, Ordering};

/// A relaxed location.
#[derive(Debug, Default)]
pub struct Location(AtomicUsize);

impl Location {
    /// A location that holds 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the latest value.
    pub fn read(&self) -> usize {
        self.0.fetch_add(0, Ordering::Relaxed)
    }

    /// Writes a value.
    pub fn write(&self, value: usize) {
        self.0.swap(value, Ordering::Relaxed);
    }
}
