//! A transfer of EasyDMA, with the buffer and the engine that it uses.

use core::fmt;

use embedded_dma::{ReadBuffer, WriteBuffer};

use super::engine::{NotInRam, Port};
use super::{Engine, Refused};
use crate::address::Region;
use crate::fence::DmaFence;
use crate::registers::Registers;
use crate::transfer::{self, Channel, Held, Transferring};

/// A transfer that runs: between START and END.
///
/// It has the engine, so that no other is started, and the buffer. [`end`](Self::end) gives both back. EasyDMA cannot
/// be stopped: dropping a transfer waits for its END, a few microseconds, and then drops both. Forgetting one
/// (`mem::forget`) loses both, and breaks nothing.
///
/// See the module of [`Engine`](super::engine) for an example.
pub struct Transfer<B: Registers + DmaFence, T>(transfer::Transfer<T, EngineAt<B>>);

/// The engine, as a channel: at one of its ports.
struct EngineAt<B> {
    engine: Engine<B>,
    port: Port,
}

// SAFETY:
// - START is of the region alone, whose direction is the port's: `Engine::start`, which is told so.
// - `Engine::start` has not started if it fails; `Engine::ended` is true after END was read, and has `acquire`d.
unsafe impl<B: Registers + DmaFence> Channel for EngineAt<B> {
    type Refusal = NotInRam;
    type Error = core::convert::Infallible;

    unsafe fn start(&mut self, region: Region) -> Result<(), NotInRam> {
        // SAFETY:
        // - The region is valid and left alone until `ended` has returned true: the caller's debt, passed on unchanged.
        unsafe { self.engine.start(self.port, region) }
    }

    fn is_done(&self) -> bool {
        self.engine.usbd.event(self.port.end)
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), Self::Error>> {
        // SAFETY:
        // - It was started with this port and region, and has not ended: the caller's debt, passed on unchanged.
        let ended = unsafe { self.engine.ended(self.port, region) };
        ended.then_some(Ok(()))
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`; it is called again only if that was false.
        while !unsafe { self.engine.ended(self.port, region) } {}
        region.length
    }
}

impl<B: Registers + DmaFence, T> Transfer<B, T> {
    /// Starts a transfer of as much of the buffer as `length` says, which is given the buffer's address and length.
    fn begin<K: From<NotInRam>>(
        engine: Engine<B>,
        port: Port,
        held: Held<T>,
        length: impl FnOnce(&Engine<B>, usize, usize) -> Result<usize, K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        let Region { pointer, length: capacity, direction } = held.region();
        assert!(direction == port.direction(), "an endpoint sends or receives");
        let length = match length(&engine, pointer.addr(), capacity) {
            Ok(length) => length,
            Err(kind) => return Err(Refused { kind, channel: engine, buffer: held.into_inner() }),
        };
        // SAFETY:
        // - No transfer runs: here is the engine.
        // - The region is valid for as long as it is held: `send` and `receive` make it of a `'static` buffer.
        match unsafe { transfer::Transfer::start(EngineAt { engine, port }, held.shortened(length)) } {
            Ok(transfer) => Ok(Self(transfer)),
            Err(Refused { kind, channel, buffer }) => {
                Err(Refused { kind: kind.into(), channel: channel.engine, buffer })
            }
        }
    }

    /// Whether the transfer has ended, so that [`end`](Self::end) will succeed.
    pub fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Ends the transfer, if the DMA has. What was received is in the buffer, or what was sent is on its way.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    pub fn end(self) -> Result<(Engine<B>, T), Self> {
        let Ok((buffer, port)) = self.0.poll().map_err(Self)?;
        Ok((port.engine, buffer))
    }

    /// Waits for the end.
    pub fn wait(self) -> (Engine<B>, T) {
        let Ok((buffer, port)) = self.0.wait();
        (port.engine, buffer)
    }
}

impl<B: Registers + DmaFence, T> Transferring for Transfer<B, T> {
    type Payload = (T, Engine<B>);
    type Error = core::convert::Infallible;

    fn is_done(&self) -> bool {
        Transfer::is_done(self)
    }

    fn wait(self) -> Result<(T, Engine<B>), Self::Error> {
        let (engine, buffer) = Transfer::wait(self);
        Ok((buffer, engine))
    }
}

impl<B: Registers + DmaFence, T: ReadBuffer<Word = u8> + 'static> Transfer<B, T> {
    /// Sends from `buffer` as many bytes as `length` says, which is given the buffer's address and length.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter, or the port an OUT endpoint's.
    pub(super) fn send<K: From<NotInRam>>(
        engine: Engine<B>,
        port: Port,
        buffer: T,
        length: impl FnOnce(&Engine<B>, usize, usize) -> Result<usize, K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        Self::begin(engine, port, Held::to_read(buffer), length)
    }
}

impl<B: Registers + DmaFence, T: WriteBuffer<Word = u8> + 'static> Transfer<B, T> {
    /// Receives into `buffer` as many bytes as `length` says, which is given the buffer's address and length.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter, or the port an IN endpoint's.
    pub(super) fn receive<K: From<NotInRam>>(
        engine: Engine<B>,
        port: Port,
        buffer: T,
        length: impl FnOnce(&Engine<B>, usize, usize) -> Result<usize, K>,
    ) -> Result<Self, Refused<K, Engine<B>, T>> {
        Self::begin(engine, port, Held::to_write(buffer), length)
    }
}

impl<B: Registers + DmaFence, T> fmt::Debug for Transfer<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
