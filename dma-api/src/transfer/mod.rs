//! A transfer that runs: a channel, a buffer, and the right to both.
//!
//! [`Transfer`] is the same for every DMA engine. What differs between engines is a [`Channel`]: how a transfer is
//! started, how its end is seen, whether it can be stopped. A channel is a value, and a transfer owns it, so a second
//! transfer on one channel cannot be written down.
//!
//! | you have | you can |
//! |---|---|
//! | channel and buffer | start a transfer: a driver's `send` or `receive` |
//! | a [`Transfer`] | ask ([`is_done`](Transfer::is_done), [`poll`](Transfer::poll)), wait, stop |
//! | an `async` executor | `transfer.await`: a [`TransferFuture`] |
//! | borrowed memory | a transfer while a closure runs: [`scope`] |
//!
//! Channel and buffer come back from each of these, from errors too. Dropping a transfer stops it, waits until the
//! engine has let go of the buffer, and then drops both; forgetting it (`mem::forget`) loses both, and breaks nothing:
//! the buffer is `'static`, and nobody else has it.

use core::fmt;
use core::mem::ManuallyDrop;
use core::task::Waker;

use crate::address::Region;

mod future;
mod held;
mod scope;
mod transferring;

pub use future::TransferFuture;
pub use held::Held;
pub use scope::{Running, scope};
pub use transferring::Transferring;

/// One DMA channel, with whatever it serves: it runs one transfer at a time.
///
/// ```
/// # use dma_api::address::{Direction, Region};
/// # use dma_api::transfer::{Channel, Held, Transfer};
/// /// A DMA that fills memory with sevens, and is done before anybody can look.
/// struct Sevens;
///
/// // SAFETY: only the region is written, and only by `start`.
/// unsafe impl Channel for Sevens {
///     type Refusal = &'static str;
///     type Error = core::convert::Infallible;
///
///     unsafe fn start(&mut self, region: Region) -> Result<(), Self::Refusal> {
///         if region.direction == Direction::MemoryToDevice {
///             return Err("it only writes");
///         }
///         // SAFETY: the region is valid for writes.
///         unsafe { region.pointer.write_bytes(7, region.length) };
///         Ok(())
///     }
///     fn is_done(&self) -> bool {
///         true
///     }
///     unsafe fn end(&mut self, _: Region) -> Option<Result<(), Self::Error>> {
///         Some(Ok(()))
///     }
///     unsafe fn stop(&mut self, region: Region) -> usize {
///         region.length
///     }
/// }
///
/// let buffer: &'static mut [u8; 4] = Box::leak(Box::default());
/// // SAFETY: no transfer of the channel runs.
/// let transfer = unsafe { Transfer::start(Sevens, Held::to_write(buffer)) }.map_err(|refused| refused.kind).unwrap();
/// let Ok((buffer, channel)) = transfer.wait();
/// assert_eq!(*buffer, [7; 4]);
///
/// // SAFETY: as above.
/// let refused = unsafe { Transfer::start(channel, Held::to_read(buffer)) }.unwrap_err();
/// assert_eq!((refused.kind, refused.buffer), ("it only writes", &mut [7; 4])); // all of it comes back
/// ```
///
/// # Safety
///
/// An implementation promises, of the region that [`start`](Self::start) was given:
///
/// - The DMA accesses no memory but the region, in the region's direction only, and not before `start` was called.
/// - It accesses it no more once `start` has failed, [`end`](Self::end) has returned `Some`, or [`stop`](Self::stop)
///   has returned; [`DmaFence::acquire`](crate::fence::DmaFence::acquire) comes before each of these returns.
pub unsafe trait Channel {
    /// Why a transfer is not started.
    type Refusal;
    /// What goes wrong in the middle of a transfer.
    type Error;

    /// Starts a transfer of `region`.
    ///
    /// # Errors
    ///
    /// What the channel cannot do. Nothing was started.
    ///
    /// # Safety
    ///
    /// - No transfer of this channel runs.
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until this has failed, `end`
    ///   has returned `Some`, or `stop` has returned.
    unsafe fn start(&mut self, region: Region) -> Result<(), Self::Refusal>;

    /// Whether the transfer has ended.
    fn is_done(&self) -> bool;

    /// Takes `region` back, if the transfer has ended; says how.
    ///
    /// # Safety
    ///
    /// - `start` was called with this region, and none of `start`, `end` and `stop` has given it back since.
    unsafe fn end(&mut self, region: Region) -> Option<Result<(), Self::Error>>;

    /// Stops the transfer, and takes `region` back when the engine has let go of it. Returns how many bytes were moved.
    /// An engine that cannot be stopped is waited for.
    ///
    /// # Safety
    ///
    /// - As for `end`.
    unsafe fn stop(&mut self, region: Region) -> usize;

    /// How many bytes of `region` were moved, at least. An engine that does not tell has moved none, or all.
    fn moved(&self, region: Region) -> usize {
        if self.is_done() { region.length } else { 0 }
    }

    /// Has `waker` woken once the transfer has ended. A channel without an interrupt wakes it at once: the end is asked
    /// for again and again.
    fn register(&self, waker: &Waker) {
        waker.wake_by_ref();
    }
}

// SAFETY:
// - All is `C`'s, which promises the same.
unsafe impl<C: Channel> Channel for &mut C {
    type Refusal = C::Refusal;
    type Error = C::Error;

    unsafe fn start(&mut self, region: Region) -> Result<(), C::Refusal> {
        // SAFETY:
        // - None runs, and the region is valid: the caller's debt, passed on unchanged.
        unsafe { C::start(self, region) }
    }

    fn is_done(&self) -> bool {
        C::is_done(self)
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), C::Error>> {
        // SAFETY:
        // - It was started with this region: the caller's debt, passed on unchanged.
        unsafe { C::end(self, region) }
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`.
        unsafe { C::stop(self, region) }
    }

    fn moved(&self, region: Region) -> usize {
        C::moved(self, region)
    }

    fn register(&self, waker: &Waker) {
        C::register(self, waker);
    }
}

/// A transfer that was not started: why, and what was to take part in it.
///
/// See [`Channel`] for an example.
#[derive(Debug)]
pub struct Refused<K, C, B> {
    /// Why.
    pub kind: K,
    /// The channel (of USBD: the engine), idle.
    pub channel: C,
    /// The buffer.
    pub buffer: B,
}

/// A transfer that was started, or not.
pub type Started<B, C> = Result<Transfer<B, C>, Refused<<C as Channel>::Refusal, C, B>>;

/// A transfer that has ended with an error: what, and what took part in it.
///
/// See [`Channel`] for an example.
#[derive(Debug)]
pub struct Failed<K, C, B> {
    /// What went wrong.
    pub kind: K,
    /// The channel, idle.
    pub channel: C,
    /// The buffer. What is in it is for the error to say.
    pub buffer: B,
}

/// A transfer that runs, with the buffer and the channel that it uses.
///
/// See [`Channel`] for an example.
///
/// # Invariants
///
/// - `start` was called on the channel, with the region of `held`, and neither `end` nor `stop` has given it back
///   since; or the value is not used any more.
/// - Channel and buffer were not taken; or the value is not used any more.
#[doc(alias("DmaSerialTransfer", "SingleBuffer"))]
pub struct Transfer<B, C: Channel> {
    channel: ManuallyDrop<C>,
    held: Held<B>,
}

/// What a transfer has come to: channel and buffer, or what went wrong.
type Outcome<B, C> = Result<(B, C), Failed<<C as Channel>::Error, C, B>>;

impl<B, C: Channel> Transfer<B, C> {
    /// Starts a transfer of the buffer that is held.
    ///
    /// # Errors
    ///
    /// The channel's; channel and buffer come back.
    ///
    /// # Safety
    ///
    /// - No transfer of the channel runs.
    /// - If the buffer is borrowed, the value is waited for, stopped or dropped while the borrow lasts: not forgotten.
    #[inline]
    pub unsafe fn start(mut channel: C, held: Held<B>) -> Started<B, C> {
        // SAFETY:
        // - None runs (the caller's debt).
        // - The region is valid and left alone until the buffer is used or dropped (`Held`): not before the channel has
        //   given it back, see `take`; or it was not started.
        match unsafe { channel.start(held.region()) } {
            // INVARIANT: it was started just now, with this region; nothing was taken.
            Ok(()) => Ok(Self { channel: ManuallyDrop::new(channel), held }),
            Err(kind) => Err(Refused { kind, channel, buffer: held.into_inner() }),
        }
    }

    /// Whether the transfer has ended, so that [`poll`](Self::poll) will succeed.
    #[doc(alias("in_progress", "transfer_is_in_progress"))]
    #[inline]
    pub fn is_done(&self) -> bool {
        self.channel.is_done()
    }

    /// How many bytes were moved, at least: an engine that does not tell has moved none, or all.
    pub fn moved(&self) -> usize {
        self.channel.moved(self.region())
    }

    /// Has `waker` woken once the transfer has ended: see [`Channel::register`].
    pub fn register(&self, waker: &Waker) {
        self.channel.register(waker);
    }

    /// The channel. It stays where it is, and goes on.
    pub(crate) fn channel(&self) -> &C {
        &self.channel
    }

    /// The channel, as [`channel`](Self::channel).
    pub(crate) fn channel_mut(&mut self) -> &mut C {
        &mut self.channel
    }

    /// The memory of the transfer.
    pub(crate) const fn region(&self) -> Region {
        self.held.region()
    }

    /// Ends the transfer, if the DMA has: channel and buffer, or what went wrong.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    #[inline]
    pub fn poll(mut self) -> Result<Outcome<B, C>, Self> {
        // SAFETY:
        // - It was started with this region, and has not given it back (invariant).
        match unsafe { self.channel.end(self.held.region()) } {
            // SAFETY:
            // - `end` has returned `Some`.
            Some(outcome) => Ok(unsafe { self.into_outcome(outcome) }),
            None => Err(self),
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// What went wrong, with channel and buffer.
    #[inline]
    pub fn wait(mut self) -> Outcome<B, C> {
        loop {
            // SAFETY:
            // - It was started with this region, and has not given it back (invariant).
            if let Some(outcome) = unsafe { self.channel.end(self.held.region()) } {
                // SAFETY:
                // - `end` has returned `Some`.
                return unsafe { self.into_outcome(outcome) };
            }
        }
    }

    /// Stops the transfer. Returns how many bytes were moved, too: all of them, if it had ended, or cannot be stopped.
    pub fn stop(mut self) -> (B, C, usize) {
        // SAFETY:
        // - It was started with this region, and has not given it back (invariant).
        let moved = unsafe { self.channel.stop(self.held.region()) };
        // SAFETY:
        // - `stop` has returned.
        let (buffer, channel) = unsafe { self.into_parts() };
        (buffer, channel, moved)
    }

    /// What the transfer has come to.
    ///
    /// # Safety
    ///
    /// - The channel has given the region back.
    unsafe fn into_outcome(self, outcome: Result<(), C::Error>) -> Outcome<B, C> {
        // SAFETY:
        // - It has given the region back: the caller's debt, passed on unchanged.
        let (buffer, channel) = unsafe { self.into_parts() };
        match outcome {
            Ok(()) => Ok((buffer, channel)),
            Err(kind) => Err(Failed { kind, channel, buffer }),
        }
    }

    /// Channel and buffer.
    ///
    /// # Safety
    ///
    /// - The channel has given the region back.
    unsafe fn into_parts(self) -> (B, C) {
        let mut ended = ManuallyDrop::new(self);
        // SAFETY:
        // - It has given the region back: the caller's debt, passed on unchanged.
        // - The value is not used any more: it is not dropped either.
        unsafe { ended.take() }
    }

    /// Channel and buffer.
    ///
    /// # Safety
    ///
    /// - The channel has given the region back: the buffer is nobody's any more.
    /// - The value is not used afterwards.
    unsafe fn take(&mut self) -> (B, C) {
        // SAFETY:
        // - It was not taken before (invariant), nor is it again (the caller's debt).
        let buffer = unsafe { self.held.take() };
        // SAFETY:
        // - As above.
        (buffer, unsafe { ManuallyDrop::take(&mut self.channel) })
    }
}

impl<B, C: Channel> Drop for Transfer<B, C> {
    fn drop(&mut self) {
        // SAFETY:
        // - It was started with this region, and has not given it back (invariant).
        unsafe { self.channel.stop(self.held.region()) };
        // SAFETY:
        // - `stop` has returned.
        // - This is the last that is done with the value.
        drop(unsafe { self.take() });
    }
}

impl<B, C: Channel> fmt::Debug for Transfer<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("region", &self.held.region()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
