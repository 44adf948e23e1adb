//! A receiving half with its channel: it fills buffers.

use core::fmt;
use core::task::Waker;

use embedded_dma::WriteBuffer;

use super::error::{ReceiveError, ReceiveStartError};
use super::frame::Frame;
use super::{Instance, Rx, data_register};
use crate::address::{Direction, Region};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::circular::Circulates;
use crate::stm32f103::dma::{Engine, Laps};
use crate::transfer::{self, Channel, Held, Running, Started, Transfer};

/// The receiving half of USART `P`, with the channel that serves it.
///
/// A transfer takes it by value, so nobody uses the half or the channel meanwhile. A frame that came before the start
/// and was not read is the first of the buffer.
///
/// What goes wrong on the line does not stop the channel. It is known at the end, because the flags stay until SR and
/// then DR are read, and reported then; the frame that came next is gone with the read of DR. What goes wrong in a
/// transfer that is stopped is reported by the next start.
///
/// See the [module](super) of `Usart` for an example.
#[doc(alias = "DmaSerial")]
pub struct Receiver<R, P: Instance, D: Registers + DmaFence, W = u8> {
    rx: Rx<R, P, W>,
    channel: P::Receive<D>,
}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Receiver<R, P, D, W> {
    pub(super) fn new(rx: Rx<R, P, W>, channel: P::Receive<D>) -> Self {
        Self { rx, channel }
    }

    /// Half and channel.
    pub fn into_parts(self) -> (Rx<R, P, W>, P::Receive<D>) {
        (self.rx, self.channel)
    }

    pub(in crate::stm32f103) fn rx(&mut self) -> &mut Rx<R, P, W> {
        &mut self.rx
    }

    /// Starts to receive, unless something has gone wrong on the line before.
    ///
    /// # Safety
    ///
    /// - No transfer of the channel runs.
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until this has failed, or the
    ///   channel has given it back.
    unsafe fn begin(&mut self, region: Region, laps: Laps) -> Result<(), ReceiveStartError> {
        assert_eq!(region.direction, Direction::DeviceToMemory, "a receiver writes memory");
        let status = self.rx.status();
        if let Some(error) = self.rx.clear(status) {
            return Err(ReceiveStartError::Line(error));
        }
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        // - It is DR of the USART that this channel is wired to (`Instance`): a read receives.
        unsafe { self.channel.start::<W>(region, data_register::<P>(), laps, || {}) }?;
        Ok(())
    }

    /// Fills a buffer.
    ///
    /// One that can only be read is refused by the compiler, as is one of another word:
    ///
    /// ```compile_fail,E0277
    /// # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
    /// # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
    /// fn receives_into_flash(receiver: Receiver, bytes: &'static [u8]) {
    ///     receiver.read_exact(bytes);
    /// }
    /// ```
    /// ```compile_fail,E0271
    /// # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
    /// # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
    /// fn receives_words_of_64_bits(receiver: Receiver, words: &'static mut [u64]) {
    ///     receiver.read_exact(words);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ReceiveStartError`]; receiver and buffer come back.
    pub fn read_exact<B>(self, buffer: B) -> Started<B, Self>
    where
        B: WriteBuffer<Word = W> + 'static,
    {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The buffer is `'static`.
        unsafe { Transfer::start(self, Held::to_write(buffer)) }
    }

    /// Fills borrowed words.
    ///
    /// # Errors
    ///
    /// As for [`read_exact`](Self::read_exact).
    ///
    /// # Safety
    ///
    /// - The transfer is waited for, stopped or dropped while the borrow lasts: it is not forgotten.
    #[doc(alias = "start_nonstatic")]
    pub unsafe fn read_exact_borrowed(self, words: &mut [W]) -> Started<&mut [W], Self> {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The value is not forgotten (the caller's debt).
        unsafe { Transfer::start(self, Held::borrowed_mut(words)) }
    }

    /// Fills borrowed words while `work` runs, and returns when both are done: what `work` has returned, and how the
    /// transfer has ended. If `work` panics, the transfer is stopped.
    ///
    /// # Errors
    ///
    /// As for [`read_exact`](Self::read_exact); `work` was not done.
    pub fn scope<T>(
        &mut self,
        words: &mut [W],
        work: impl FnOnce(&Running<'_, Self>) -> T,
    ) -> Result<(T, Result<(), ReceiveError>), ReceiveStartError> {
        let region = Held::borrowed_mut(words).region();
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The words are borrowed until this returns, and nobody else has them.
        unsafe { transfer::scope(self, region, work) }
    }
}

impl<B, R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Transfer<B, Receiver<R, P, D, W>> {
    /// Copies to `into` what has been received so far, from the start of the buffer on, as much as fits. Returns how
    /// many frames.
    ///
    /// No reference to the buffer is made: the DMA is writing behind these frames. They stand still.
    #[doc(alias = "peek")]
    pub fn received(&self, into: &mut [W]) -> usize {
        let Receiver { channel, .. } = self.channel();
        let frames = channel.moved::<W>(self.region()).min(into.len());
        let part = Region { length: frames * size_of::<W>(), ..self.region() };
        // SAFETY:
        // - It is the start of the region that the channel fills, and has not given back: here is the transfer.
        // - All of it was written: CNDTR says so, which counts an item when that is in memory.
        // - `into` is valid for so many frames, and nobody else's, so it is apart.
        unsafe { channel.snapshot(part, into.as_mut_ptr().cast()) };
        frames
    }
}

impl<R, P: Instance, D: Registers + DmaFence, W> fmt::Debug for Receiver<R, P, D, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

// SAFETY:
// - `Engine`, which the channel is, promises the same. The other side is DR, of the USART whose receiver asks this
//   channel (`Instance`).
unsafe impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Channel for Receiver<R, P, D, W> {
    type Refusal = ReceiveStartError;
    type Error = ReceiveError;

    #[expect(clippy::inline_always, reason = "as for `Engine::start`")]
    #[inline(always)]
    unsafe fn start(&mut self, region: Region) -> Result<(), ReceiveStartError> {
        // SAFETY:
        // - None runs, and the region is valid and left alone: the caller's debt, passed on unchanged.
        unsafe { self.begin(region, Laps::One) }
    }

    fn is_done(&self) -> bool {
        self.channel.is_done()
    }

    #[expect(clippy::inline_always, reason = "as for `Engine::start`")]
    #[inline(always)]
    unsafe fn end(&mut self, region: Region) -> Option<Result<(), ReceiveError>> {
        // SAFETY:
        // - It was started with this region, for one lap: the caller's debt, passed on unchanged.
        let outcome = unsafe { self.channel.end::<W>(region) }?;
        if let Err(error) = outcome {
            return Some(Err(error.into()));
        }
        let status = self.rx.status();
        Some(self.rx.clear(status).map_or(Ok(()), |error| Err(ReceiveError::Line(error))))
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`.
        let frames = unsafe { self.channel.stop::<W>(region) };
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
// - It is the receiver's channel. The other side is DR, of the USART that asks it (`Instance`).
// - The receiver is borrowed for as long as it goes round.
unsafe impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Circulates for Receiver<R, P, D, W> {
    type Engine = P::Receive<D>;
    type Word = W;

    fn engine(&self) -> &P::Receive<D> {
        &self.channel
    }

    unsafe fn begin_endless(&mut self, region: Region) -> Result<(), Self::Refusal> {
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        unsafe { self.begin(region, Laps::Endless) }
    }

    unsafe fn finish(&mut self, region: Region, _: bool) -> usize {
        // SAFETY:
        // - It was started with this region, and has not given it back: the caller's debt, passed on unchanged.
        unsafe { self.channel.stop::<W>(region) }
    }
}
