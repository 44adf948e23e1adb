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
//!
//! Channel and buffer come back from each of these, from errors too. Dropping a transfer stops it, waits until the
//! engine has let go of the buffer, and then drops both; forgetting it (`mem::forget`) loses both, and breaks nothing:
//! the buffer is `'static`, and nobody else has it.

use core::fmt;
use core::mem::MaybeUninit;

use crate::address::Region;

/// One DMA channel, with whatever it serves: it runs one transfer at a time.
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
}

/// A transfer that was not started: why, and what was to take part in it.
#[derive(Debug)]
pub struct Refused<K, C, B> {
    /// Why.
    pub kind: K,
    /// The channel (of USBD: the engine), idle.
    pub channel: C,
    /// The buffer.
    pub buffer: B,
}

/// A transfer that has ended with an error: what, and what took part in it.
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
/// # Invariants
///
/// - With a channel: `start` was called on it, with this region, and neither `end` nor `stop` has given it back since;
///   `buffer` is initialised and keeps the region valid.
pub struct Transfer<B, C: Channel> {
    /// `None` once the transfer has ended.
    channel: Option<C>,
    region: Region,
    /// A `Box` or a `&mut` that is moved by value while the DMA uses its target is an aliasing violation.
    buffer: MaybeUninit<B>,
}

// SAFETY:
// - The region is `buffer`'s, so it goes where the value goes; channel and buffer go along: both are `Send`.
unsafe impl<B: Send, C: Channel + Send> Send for Transfer<B, C> {}

impl<B, C: Channel> Transfer<B, C> {
    /// Starts a transfer of `region`, which is `buffer`'s.
    ///
    /// # Errors
    ///
    /// The channel's; channel and buffer come back.
    ///
    /// # Safety
    ///
    /// - No transfer of the channel runs.
    /// - The region is valid for what its direction says, and left alone by everybody, for as long as `buffer` is
    ///   neither used nor dropped.
    pub unsafe fn start(mut channel: C, region: Region, buffer: B) -> Result<Self, Refused<C::Refusal, C, B>> {
        let buffer = MaybeUninit::new(buffer);
        // SAFETY:
        // - None runs, and the region is valid and left alone until `buffer` is used or dropped (the caller's debt):
        //   not before the channel has given it back, see `take`; or it was not started.
        match unsafe { channel.start(region) } {
            // INVARIANT: it was started just now, with this region; the buffer is initialised and keeps it valid.
            Ok(()) => Ok(Self { channel: Some(channel), region, buffer }),
            Err(kind) => {
                // SAFETY:
                // - It was initialised above.
                let buffer = unsafe { buffer.assume_init() };
                Err(Refused { kind, channel, buffer })
            }
        }
    }

    /// Whether the transfer has ended, so that [`poll`](Self::poll) will succeed.
    pub fn is_done(&self) -> bool {
        self.channel.as_ref().is_none_or(C::is_done)
    }

    /// Ends the transfer, if the DMA has: channel and buffer, or what went wrong.
    ///
    /// # Errors
    ///
    /// The transfer, while it runs.
    #[expect(clippy::type_complexity, reason = "a result, or the transfer")]
    pub fn poll(mut self) -> Result<Result<(B, C), Failed<C::Error, C, B>>, Self> {
        self.take().ok_or(self)
    }

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// What went wrong, with channel and buffer.
    pub fn wait(mut self) -> Result<(B, C), Failed<C::Error, C, B>> {
        loop {
            if let Some(outcome) = self.take() {
                return outcome;
            }
        }
    }

    /// Stops the transfer. Returns how many bytes were moved, too: all of them, if it had ended, or cannot be stopped.
    pub fn stop(mut self) -> (B, C, usize) {
        let Some(channel) = &mut self.channel else {
            unreachable!("only `take` and `stop` take it, and end the value")
        };
        // SAFETY:
        // - There is a channel: it was started with this region, and has not given it back (invariant).
        let moved = unsafe { channel.stop(self.region) };
        let (buffer, channel) = self.give_back();
        (buffer, channel, moved)
    }

    /// What the transfer has come to, if it has ended.
    #[expect(clippy::type_complexity, reason = "channel and buffer, or what went wrong")]
    fn take(&mut self) -> Option<Result<(B, C), Failed<C::Error, C, B>>> {
        // SAFETY:
        // - There is a channel: it was started with this region, and has not given it back (invariant).
        let outcome = unsafe { self.channel.as_mut()?.end(self.region) }?;
        let (buffer, channel) = self.give_back();
        Some(match outcome {
            Ok(()) => Ok((buffer, channel)),
            Err(kind) => Err(Failed { kind, channel, buffer }),
        })
    }

    /// Channel and buffer. The channel has given the region back.
    fn give_back(&mut self) -> (B, C) {
        // INVARIANT: no channel from here on.
        let Some(channel) = self.channel.take() else { unreachable!("the callers have used it just now") };
        // SAFETY:
        // - There was a channel, so the buffer is initialised (invariant). It is read once: there is none now.
        (unsafe { self.buffer.assume_init_read() }, channel)
    }
}

impl<B, C: Channel> Drop for Transfer<B, C> {
    fn drop(&mut self) {
        if let Some(channel) = &mut self.channel {
            // SAFETY:
            // - There is a channel: it was started with this region, and has not given it back (invariant).
            unsafe { channel.stop(self.region) };
            self.give_back();
        }
    }
}

impl<B, C: Channel> fmt::Debug for Transfer<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("region", &self.region).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::address::Direction;

    /// What a channel was asked for, and what it answers.
    #[derive(Debug, Default)]
    struct Log {
        starts: Cell<u32>,
        stops: Cell<u32>,
        /// How often `end` is asked before the transfer has ended.
        left: Cell<u32>,
        refuses: bool,
        fails: bool,
        buffers_dropped: Cell<u32>,
        channels_dropped: Cell<u32>,
        /// The buffer was dropped before the channel had let go of it.
        too_early: Cell<bool>,
        runs: Cell<bool>,
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Broken;

    #[derive(Debug)]
    struct Fake<'a>(&'a Log);

    // SAFETY:
    // - There is no DMA.
    unsafe impl Channel for Fake<'_> {
        type Refusal = Broken;
        type Error = Broken;

        unsafe fn start(&mut self, _: Region) -> Result<(), Broken> {
            self.0.starts.set(self.0.starts.get() + 1);
            self.0.runs.set(!self.0.refuses);
            if self.0.refuses { Err(Broken) } else { Ok(()) }
        }

        fn is_done(&self) -> bool {
            self.0.left.get() == 0
        }

        unsafe fn end(&mut self, _: Region) -> Option<Result<(), Broken>> {
            let Some(left) = self.0.left.get().checked_sub(1) else {
                self.0.runs.set(false);
                return Some(if self.0.fails { Err(Broken) } else { Ok(()) });
            };
            self.0.left.set(left);
            None
        }

        unsafe fn stop(&mut self, region: Region) -> usize {
            self.0.stops.set(self.0.stops.get() + 1);
            self.0.runs.set(false);
            region.length - self.0.left.get() as usize
        }
    }

    impl Drop for Fake<'_> {
        fn drop(&mut self) {
            self.0.channels_dropped.set(self.0.channels_dropped.get() + 1);
        }
    }

    #[derive(Debug)]
    struct Buffer<'a>(&'a Log);

    impl Drop for Buffer<'_> {
        fn drop(&mut self) {
            self.0.buffers_dropped.set(self.0.buffers_dropped.get() + 1);
            self.0.too_early.set(self.0.too_early.get() || self.0.runs.get());
        }
    }

    impl Log {
        fn start(&self) -> Result<Transfer<Buffer<'_>, Fake<'_>>, Refused<Broken, Fake<'_>, Buffer<'_>>> {
            let region = Region { pointer: core::ptr::dangling_mut(), length: 8, direction: Direction::MemoryToDevice };
            // SAFETY:
            // - There is no DMA: nobody uses the region.
            unsafe { Transfer::start(Fake(self), region, Buffer(self)) }
        }

        /// How often channel and buffer were dropped.
        fn dropped(&self) -> (u32, u32) {
            assert!(!self.too_early.get(), "the buffer was let go of in mid-flight");
            (self.channels_dropped.get(), self.buffers_dropped.get())
        }
    }

    #[test]
    fn channel_and_buffer_come_back_at_the_end() {
        let log = Log { left: Cell::new(2), ..Log::default() };
        let transfer = log.start().expect("it is not refused");
        let transfer = transfer.poll().expect_err("it runs");
        assert!(!transfer.is_done());
        let parts = transfer.wait().expect("it does not fail");
        assert_eq!((log.starts.get(), log.stops.get(), log.dropped()), (1, 0, (0, 0)));
        drop(parts);
        assert_eq!(log.dropped(), (1, 1));
    }

    #[test]
    fn channel_and_buffer_come_back_from_an_error_in_the_middle() {
        for left in [0, 3] {
            let log = Log { left: Cell::new(left), fails: true, ..Log::default() };
            let failed = log.start().expect("it is not refused").wait().expect_err("it fails");
            assert_eq!((&failed.kind, log.dropped()), (&Broken, (0, 0)));
            drop(failed);
            assert_eq!((log.dropped(), log.stops.get()), ((1, 1), 0));
        }
    }

    #[test]
    fn channel_and_buffer_come_back_where_nothing_was_started() {
        let log = Log { refuses: true, ..Log::default() };
        let refused = log.start().expect_err("it is refused");
        assert_eq!((&refused.kind, log.dropped(), log.stops.get()), (&Broken, (0, 0), 0));
        drop(refused);
        assert_eq!(log.dropped(), (1, 1));
    }

    #[test]
    fn transfer_that_is_stopped_says_how_far_it_came() {
        for left in 0..=8 {
            let log = Log { left: Cell::new(left), ..Log::default() };
            let (_buffer, _channel, moved) = log.start().expect("it is not refused").stop();
            assert_eq!((moved, log.stops.get(), log.dropped()), (8 - left as usize, 1, (0, 0)));
        }
    }

    #[test]
    fn transfer_that_is_dropped_stops_before_its_buffer_goes() {
        let log = Log { left: Cell::new(5), ..Log::default() };
        drop(log.start());
        assert_eq!((log.stops.get(), log.dropped()), (1, (1, 1)));
    }

    #[test]
    fn transfer_that_is_forgotten_keeps_its_buffer() {
        let log = Log { left: Cell::new(5), ..Log::default() };
        core::mem::forget(log.start());
        assert_eq!((log.stops.get(), log.dropped()), (0, (0, 0)));
    }
}
