//! A half of a USART as a channel whose transfers do not end by themselves.

use thiserror::Error;

use crate::address::Region;
#[cfg(doc)]
use crate::stm32f103::dma::Laps;
use crate::stm32f103::dma::{Engine, TransferError, Word, map};
use crate::transfer::Channel;

/// Why a circular transfer did not start.
///
/// See the [module](super) of `Circular` for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CircularStartError<K> {
    /// The halves are not equal.
    #[error("a buffer of {words} words has no two equal halves")]
    Odd {
        /// How many words the buffer has.
        words: usize,
    },
    /// The sender's or receiver's reason.
    #[error(transparent)]
    Start(#[from] K),
}

/// What goes round a buffer: a half of a USART with its channel.
///
/// # Safety
///
/// An implementation promises:
/// - `engine` is one channel, always the same.
/// - `begin_endless` is its [`Engine::start`], for words of `Word` and [`Laps::Endless`]; the other side is a register
///   that its requests are for, and an access of it touches no memory.
/// - `finish` is its [`Engine::stop`], and nothing else starts it meanwhile.
pub unsafe trait Circulates: Channel {
    /// The channel.
    type Engine: Engine;
    /// What it moves.
    type Word: Word;

    /// The channel.
    fn engine(&self) -> &Self::Engine;

    /// Starts to go round `region`.
    ///
    /// # Errors
    ///
    /// See [`Channel::start`].
    ///
    /// # Safety
    ///
    /// - As for [`Channel::start`].
    unsafe fn begin_endless(&mut self, region: Region) -> Result<(), Self::Refusal>;

    /// Stops. `has_moved`: words were moved, as far as is known. Returns how many words of this lap were.
    ///
    /// # Safety
    ///
    /// - As for [`Channel::stop`].
    unsafe fn finish(&mut self, region: Region, has_moved: bool) -> usize;
}

/// `C`, that goes round its buffer until it is stopped, or fails.
#[derive(Debug)]
pub struct Endless<C> {
    pub(super) channel: C,
    /// A flag was seen: words were moved.
    pub(super) has_moved: bool,
}

impl<C> Endless<C> {
    pub(super) fn new(channel: C) -> Self {
        Self { channel, has_moved: false }
    }
}

// SAFETY:
// - `Engine`, which the channel is, promises the same, for any number of laps. The rest is as for `C`.
unsafe impl<C: Circulates> Channel for Endless<C> {
    type Refusal = CircularStartError<C::Refusal>;
    type Error = TransferError;

    unsafe fn start(&mut self, region: Region) -> Result<(), Self::Refusal> {
        let words = region.length / size_of::<C::Word>();
        if !words.is_multiple_of(2) {
            return Err(CircularStartError::Odd { words });
        }
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        Ok(unsafe { self.channel.begin_endless(region) }?)
    }

    fn is_done(&self) -> bool {
        self.channel.engine().flags() & map::TEIF != 0
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), TransferError>> {
        if !self.is_done() {
            return None;
        }
        // SAFETY:
        // - It was started with this region, and has not given it back: the caller's debt, passed on unchanged.
        let moved = unsafe { self.channel.finish(region, self.has_moved) };
        Some(Err(TransferError { moved }))
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`.
        let words = unsafe { self.channel.finish(region, self.has_moved) };
        words * size_of::<C::Word>()
    }
}
