//! The memory of one transfer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Debug)]
pub(super) enum Bytes {
    /// Of simulated RAM, or behind a cache.
    Simulated {
        ram: Arc<Vec<AtomicU8>>,
        start: usize,
    },
    Host {
        pointer: *mut u8,
        length: usize,
    },
}

/// The memory of one transfer, as the engine reaches it without the chip's lock.
///
/// See [`Memory`](super::Memory), which opens them, for an example.
///
/// # Invariants
///
/// - A host pointer is valid for `length` bytes while the view is used: its window was open when the view was made;
///   when the window closes (`Soc::acquire`), a copy that `Soc` holds loses its view in the same call, and one that was
///   taken out is waited for before the call (`explore::threads`), or loses its view before it (`explore::model`). One
///   into frames of the firmware (`frames`) is lost before the simulator uses what was theirs.
#[derive(Debug)]
pub struct View(pub(super) Bytes);

// SAFETY:
// - A host pointer may be used from the engine's thread: as for `Window`.
unsafe impl Send for View {}

impl View {
    /// Reads `into.len()` bytes at `offset`.
    ///
    /// # Panics
    ///
    /// If they are outside of the view.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        match &self.0 {
            Bytes::Simulated { ram, start } => {
                for (byte, cell) in into.iter_mut().zip(&ram[start + offset..]) {
                    *byte = cell.load(Ordering::Relaxed);
                }
            }
            Bytes::Host { pointer, length } => {
                assert!(offset + into.len() <= *length, "a beat stays inside its transfer");
                // SAFETY:
                // - The source is valid: inside the view (asserted above), which is valid (invariant of `View`).
                // - The destination is a `&mut`, so it does not overlap.
                unsafe { pointer.wrapping_add(offset).copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) }
            }
        }
    }

    /// Writes `from` at `offset`.
    ///
    /// # Panics
    ///
    /// If it does not fit the view.
    pub fn write(&self, offset: usize, from: &[u8]) {
        match &self.0 {
            Bytes::Simulated { ram, start } => {
                for (byte, cell) in from.iter().zip(&ram[start + offset..]) {
                    cell.store(*byte, Ordering::Relaxed);
                }
            }
            Bytes::Host { pointer, length } => {
                assert!(offset + from.len() <= *length, "a beat stays inside its transfer");
                // SAFETY:
                // - The destination is valid for writes: inside the view (asserted above), which is valid (invariant
                //   of `View`), and lent for this direction (checked by `Memory::view`).
                // - The source is a `&`, and the lender promised that nobody else has the destination.
                unsafe { pointer.wrapping_add(offset).copy_from_nonoverlapping(from.as_ptr(), from.len()) }
            }
        }
    }
}
