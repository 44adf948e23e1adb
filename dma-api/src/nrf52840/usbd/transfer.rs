//! A transfer that runs, with the buffer and the engine that it uses.

use core::fmt;
use core::mem::MaybeUninit;

use embedded_dma::{ReadBuffer, WriteBuffer};

use super::engine::{Channel, NotInRam};
use super::{Engine, Refused};
use crate::address::{Direction, Region};
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
    /// Starts a transfer of `region`, which is `buffer`'s.
    ///
    /// # Safety
    ///
    /// - The region is valid for what the channel's direction says, and left alone by everybody, for as long as
    ///   `buffer` is neither used nor dropped.
    unsafe fn begin<K: From<NotInRam>>(
        engine: Engine<B>,
        channel: Channel,
        region: Region,
        buffer: T,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        let buffer = MaybeUninit::new(buffer);
        // SAFETY:
        // - The region is valid and left alone until `buffer` is used or dropped (the caller's debt): not before
        //   `ended` has returned true, see `take`; or it was not started.
        match unsafe { engine.start(channel, region) } {
            // INVARIANT: it was started just now, with these; the buffer is initialised and keeps the region valid.
            Ok(()) => Ok(Self { engine: Some(engine), channel, region, buffer }),
            Err(reason) => {
                // SAFETY:
                // - It was initialised above.
                let buffer = unsafe { buffer.assume_init() };
                Err(Refused { kind: reason.into(), engine, buffer })
            }
        }
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

impl<B: Registers + DmaFence, T: ReadBuffer<Word = u8> + 'static> Transfer<B, T> {
    /// Sends from `buffer` as many bytes as `length` says, which is given the buffer's address and length.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter, or the channel an OUT endpoint's.
    pub(super) fn send<K: From<NotInRam>>(
        engine: Engine<B>,
        channel: Channel,
        buffer: T,
        length: impl FnOnce(&Engine<B>, usize, usize) -> Result<usize, K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        // SAFETY:
        // - `buffer` is used by nobody until the transfer has ended: `begin` puts it away.
        let (pointer, capacity) = unsafe { buffer.read_buffer() };
        let length = match length(&engine, pointer.addr(), capacity) {
            Ok(length) => length,
            Err(kind) => return Err(Refused { kind, engine, buffer }),
        };
        let region = channel.region(pointer.cast_mut(), length);
        assert!(length <= capacity && region.direction == Direction::MemoryToDevice, "the endpoint has checked this");
        // SAFETY:
        // - The region is valid for reads until `buffer` is used or dropped (`ReadBuffer`, `'static`; the length was
        //   compared above), and the DMA only reads it: the direction was, too.
        unsafe { Self::begin(engine, channel, region, buffer) }
    }
}

impl<B: Registers + DmaFence, T: WriteBuffer<Word = u8> + 'static> Transfer<B, T> {
    /// Receives into `buffer` as many bytes as `length` says, which is given the buffer's address and length.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter.
    pub(super) fn receive<K: From<NotInRam>>(
        engine: Engine<B>,
        channel: Channel,
        mut buffer: T,
        length: impl FnOnce(&Engine<B>, usize, usize) -> Result<usize, K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        // SAFETY:
        // - `buffer` is used by nobody until the transfer has ended: `begin` puts it away.
        let (pointer, capacity) = unsafe { buffer.write_buffer() };
        let length = match length(&engine, pointer.addr(), capacity) {
            Ok(length) => length,
            Err(kind) => return Err(Refused { kind, engine, buffer }),
        };
        assert!(length <= capacity, "the endpoint has compared the lengths");
        let region = channel.region(pointer, length);
        // SAFETY:
        // - The region is valid for writes until `buffer` is used or dropped (`WriteBuffer`, `'static`; the length was
        //   compared above).
        unsafe { Self::begin(engine, channel, region, buffer) }
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
