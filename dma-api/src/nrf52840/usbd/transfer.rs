//! A transfer that runs, with the buffer and the engine that it uses.

use core::fmt;
use core::mem::MaybeUninit;

use super::Engine;
use super::engine::Channel;
use crate::address::Region;
use crate::fence::DmaFence;
use crate::registers::Registers;

/// A transfer that runs: between START and END.
///
/// It has the engine, so that no other is started, and the buffer. [`end`](Self::end) gives both back. EasyDMA cannot
/// be stopped: dropping a transfer waits for its END, a few microseconds, and then drops both. Forgetting one
/// (`mem::forget`) loses both, and breaks nothing.
///
/// # Invariants
///
/// - With an engine: `start` was called on it, with this channel and region, `ended` has not returned true since, and
///   `buffer` is initialised and keeps the region valid.
pub struct Transfer<B: Registers + DmaFence, T> {
    /// `None` once the transfer has ended.
    engine: Option<Engine<B>>,
    channel: Channel,
    region: Region,
    /// A `Box` or a `&mut` that is moved by value while the DMA uses its target is an aliasing violation.
    buffer: MaybeUninit<T>,
}

// SAFETY:
// - The region is `buffer`'s, so it goes where the value goes; engine and buffer go along: both are `Send`.
unsafe impl<B: Registers + DmaFence + Send, T: Send> Send for Transfer<B, T> {}

impl<B: Registers + DmaFence, T> Transfer<B, T> {
    /// The transfer that runs on `engine`.
    ///
    /// # Safety
    ///
    /// - `start` was called on the engine, with this channel and region, and `ended` has not returned true since.
    /// - The region is valid, and left alone by everybody, for as long as `buffer` is neither used nor dropped.
    pub(super) unsafe fn new(engine: Engine<B>, channel: Channel, region: Region, buffer: MaybeUninit<T>) -> Self {
        // INVARIANT: the caller promises what is said of the engine.
        Self { engine: Some(engine), channel, region, buffer }
    }

    /// Whether the transfer has ended, so that [`end`](Self::end) will succeed.
    pub fn is_done(&self) -> bool {
        self.engine.as_ref().is_none_or(|engine| engine.usbd.event(self.channel.end))
    }

    /// Ends the transfer, if the DMA has. What was received is in the buffer, or what was sent is on its way.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    pub fn end(mut self) -> Result<(Engine<B>, T), Self> {
        self.take().ok_or(self)
    }

    /// Waits for the end.
    pub fn wait(mut self) -> (Engine<B>, T) {
        loop {
            if let Some(parts) = self.take() {
                return parts;
            }
        }
    }

    /// Engine and buffer, if the transfer has ended.
    fn take(&mut self) -> Option<(Engine<B>, T)> {
        // SAFETY:
        // - There is an engine, so the transfer was started with these, and `ended` has not returned true (invariant).
        let ended = unsafe { self.engine.as_ref()?.ended(self.channel, self.region) };
        if !ended {
            return None;
        }
        // INVARIANT: no engine from here on.
        let engine = self.engine.take()?;
        // SAFETY:
        // - There was an engine, so the buffer is initialised (invariant). It is read once: there is none now.
        let buffer = unsafe { self.buffer.assume_init_read() };
        Some((engine, buffer))
    }
}

impl<B: Registers + DmaFence, T> Drop for Transfer<B, T> {
    fn drop(&mut self) {
        while self.engine.is_some() {
            self.take();
        }
    }
}

impl<B: Registers + DmaFence, T> fmt::Debug for Transfer<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("channel", &self.channel).field("length", &self.region.length).finish()
    }
}
