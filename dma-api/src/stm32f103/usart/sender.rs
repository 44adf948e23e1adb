//! A transmitting half with its channel: it sends buffers.

use core::fmt;
use core::task::Waker;

use embedded_dma::ReadBuffer;

use super::frame::Frame;
use super::{Instance, Status, Tx, data_register};
use crate::address::{Direction, Region};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::circular::{BOUNDARIES, Circulates};
use crate::stm32f103::dma::{Engine, Laps, StartError, TransferError};
use crate::transfer::{self, Channel, Held, Running, Started, Transfer};

/// The transmitting half of USART `P`, with the channel that serves it.
///
/// A transfer takes it by value, so nobody uses the half or the channel meanwhile. It ends when the last frame is
/// handed to the USART: [`flush`](Self::flush) waits until it is over the wire.
///
/// See the [module](super) of `Usart` for an example.
#[doc(alias = "DmaSerial")]
pub struct Sender<R, P: Instance, D: Registers + DmaFence, W = u8> {
    tx: Tx<R, P, W>,
    channel: P::Transmit<D>,
}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Sender<R, P, D, W> {
    pub(super) fn new(tx: Tx<R, P, W>, channel: P::Transmit<D>) -> Self {
        Self { tx, channel }
    }

    /// Half and channel.
    pub fn into_parts(self) -> (Tx<R, P, W>, P::Transmit<D>) {
        (self.tx, self.channel)
    }

    /// Starts to send.
    ///
    /// # Safety
    ///
    /// - No transfer of the channel runs.
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until this has failed, or the
    ///   channel has given it back.
    unsafe fn begin(&mut self, region: Region, laps: Laps) -> Result<(), StartError> {
        assert_eq!(region.direction, Direction::MemoryToDevice, "a sender reads memory");
        let Self { tx, channel } = self;
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        // - It is DR of the USART that this channel is wired to (`Instance`): a write sends.
        unsafe { channel.start::<W>(region, data_register::<P>(), laps, || tx.clear_complete()) }
    }

    /// Sends a buffer. In RAM or in flash, it is read while it is sent.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; sender and buffer come back.
    pub fn write_all<B>(self, buffer: B) -> Started<B, Self>
    where
        B: ReadBuffer<Word = W> + 'static,
    {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The buffer is `'static`.
        unsafe { Transfer::start(self, Held::to_read(buffer)) }
    }

    /// Sends borrowed words.
    ///
    /// # Errors
    ///
    /// As for [`write_all`](Self::write_all).
    ///
    /// # Safety
    ///
    /// - The transfer is waited for, stopped or dropped while the borrow lasts: it is not forgotten.
    #[doc(alias = "start_nonstatic")]
    pub unsafe fn write_all_borrowed(self, words: &[W]) -> Started<&[W], Self> {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The value is not forgotten (the caller's debt).
        unsafe { Transfer::start(self, Held::borrowed(words)) }
    }

    /// Sends borrowed words while `work` runs, and returns when both are done: what `work` has returned, and how the
    /// transfer has ended. If `work` panics, the transfer is stopped.
    ///
    /// # Errors
    ///
    /// As for [`write_all`](Self::write_all); `work` was not done.
    pub fn scope<T>(
        &mut self,
        words: &[W],
        work: impl FnOnce(&Running<'_, Self>) -> T,
    ) -> Result<(T, Result<(), TransferError>), StartError> {
        let region = Held::borrowed(words).region();
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The words are borrowed until this returns, and only read.
        unsafe { transfer::scope(self, region, work) }
    }

    /// Waits until all that was sent is over the wire: see [`Tx::flush`].
    pub fn flush(&mut self, receiver: &mut impl Status<P>) {
        self.tx.flush(receiver);
    }

    /// Whether all that was sent is over the wire: see [`Tx::flush`].
    pub fn is_flushed(&mut self, receiver: &mut impl Status<P>) -> bool {
        self.tx.is_flushed(receiver)
    }
}

impl<R, P: Instance, D: Registers + DmaFence, W> fmt::Debug for Sender<R, P, D, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

// SAFETY:
// - `Engine`, which the channel is, promises the same. The other side is DR, of the USART whose transmitter asks this
//   channel (`Instance`).
unsafe impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Channel for Sender<R, P, D, W> {
    type Refusal = StartError;
    type Error = TransferError;

    unsafe fn start(&mut self, region: Region) -> Result<(), StartError> {
        // SAFETY:
        // - None runs, and the region is valid and left alone: the caller's debt, passed on unchanged.
        unsafe { self.begin(region, Laps::One) }
    }

    fn is_done(&self) -> bool {
        self.channel.is_done()
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), TransferError>> {
        // SAFETY:
        // - It was started with this region, for one lap: the caller's debt, passed on unchanged.
        let outcome = unsafe { self.channel.end::<W>(region) }?;
        // A transfer that has ended well has sent a frame: an empty one is not started.
        self.tx.sends_end(outcome.map_or_else(|error| error.moved > 0, |()| true));
        Some(outcome)
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`.
        let frames = unsafe { self.channel.stop::<W>(region) };
        self.tx.sends_end(frames > 0);
        frames * size_of::<W>()
    }

    fn moved(&self, region: Region) -> usize {
        self.channel.moved::<W>(region) * size_of::<W>()
    }

    fn register(&self, waker: &Waker) {
        self.channel.register(waker);
    }
}

// SAFETY:
// - It is the sender's channel. The other side is DR, of the USART that asks it (`Instance`).
// - The sender is borrowed for as long as it goes round.
unsafe impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Circulates for Sender<R, P, D, W> {
    type Engine = P::Transmit<D>;
    type Word = W;

    fn engine(&self) -> &P::Transmit<D> {
        &self.channel
    }

    unsafe fn begin_endless(&mut self, region: Region) -> Result<(), Self::Refusal> {
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        unsafe { self.begin(region, Laps::Endless) }
    }

    unsafe fn finish(&mut self, region: Region, has_moved: bool) -> usize {
        self.channel.halt();
        // A lap that ends just here leaves CNDTR as it began, and flags.
        let has_crossed = self.channel.flags() & BOUNDARIES != 0;
        // SAFETY:
        // - It was started with this region, and has not given it back: the caller's debt, passed on unchanged.
        let words = unsafe { self.channel.stop::<W>(region) };
        self.tx.sends_end(has_moved || has_crossed || words > 0);
        words
    }
}
