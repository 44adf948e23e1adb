//! Receiving for ever: the DMA goes round a buffer, each half is copied out.
//!
//! The channel raises HTIF when the first half is full, and TCIF when the second is; then it begins again, whether
//! anybody has looked or not. [`Circular::read`] copies the half whose turn it is:
//!
//! | `next` | HTIF | TCIF | `read` |
//! |---|---|---|---|
//! | *first* | 0 | 0 | `None` |
//! | *first* | 1 | 0 | the first half -> *second* |
//! | *first* | any | 1 | `Overrun` -> *lost* |
//! | *second* | 0 | 0 | `None` |
//! | *second* | 0 | 1 | the second half -> *first* |
//! | *second* | 1 | any | `Overrun` -> *lost* |
//! | *lost* | any | any | finds its place, perhaps; `None` |
//!
//! ```no_run
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # use dma_api::stm32f103::circular::CircularError;
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! # fn consume(_: &[u8]) {}
//! fn listen(receiver: Receiver, buffer: &'static mut [u8; 64]) -> Result<(), CircularError> {
//!     let mut circular = receiver.circular(buffer).expect("64 is even");
//!     let mut half = [0; 32];
//!     loop {
//!         match circular.read(&mut half) {
//!             Ok(None) => {} // something else
//!             Ok(Some(_)) => consume(&half),
//!             Err(CircularError::Overrun | CircularError::Line(_)) => {} // frames are lost, or wrong; it goes on
//!             Err(error) => return Err(error),
//!         }
//!     }
//! }
//! ```
//!
//! # Why no half is torn and no lap is missed
//!
//! Let HTIF be the expected flag; the other half is the same. Whenever a half was handed out, or a place found, both
//! flags had been cleared at some moment since which the DMA has crossed no boundary but, perhaps, the expected one.
//! The boundaries alternate. So:
//!
//! 1. ISR shows HTIF and no TCIF: the DMA has crossed the middle once and not the end, and is in the second half.
//! 2. HTIF is cleared. If the DMA was fast, and has crossed the end and then the middle again by now, a new HTIF is
//!    cleared with the old one. But then the end was crossed, too, and its TCIF stands: nobody has cleared that.
//! 3. The first half is copied, and ISR is read again. With TCIF the DMA may have written to what was copied:
//!    `Overrun`, and nothing is handed out. Without it, the DMA has not crossed the end between its middle and this
//!    read: it has been in the second half all the time, and the copy is whole.
//! 4. TCIF is expected now. HTIF was cleared while the DMA was in the second half (by 3), so if it is seen again, the
//!    end *and* the middle were crossed: a lap was missed, and the other row says `Overrun`.
//!
//! After an overrun the place is found like this: clear both flags, read CNDTR, read ISR. If that shows neither flag,
//! the DMA has crossed no boundary in between, and CNDTR says in which half it is. Otherwise it is tried again at the
//! next `read`. What was overrun is reported once, and what comes after it is whole again.
//!
//! The copy is made while the DMA runs, by [`DmaFence::snapshot`]: after the first
//! read of ISR, before the second. No reference to the buffer is made.
//!
//! *Modelled*: receiving. *Not modelled*: sending for ever, where the CPU would write memory that is the DMA's;
//! interrupts at the halves: ask as often as half a buffer takes.

use core::fmt;

use embedded_dma::WriteBuffer;
use thiserror::Error;

use super::dma::{Engine, TransferError, map};
use super::usart::{Frame, Instance, LineError, ReceiveStartError, Receiver};
use crate::address::Region;
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::transfer::{Channel, Held, Refused, Transfer};

mod endless;
#[cfg(test)]
mod tests;

use endless::Endless;

/// Why a circular transfer did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CircularStartError {
    /// The halves are not equal.
    #[error("a buffer of {words} words has no two equal halves")]
    Odd {
        /// How many words the buffer has.
        words: usize,
    },
    /// The receiver's reason.
    #[error(transparent)]
    Receive(#[from] ReceiveStartError),
}

/// Why no half was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CircularError {
    /// The DMA came round before the half was copied. Frames are lost; what comes next is whole. What was copied is of
    /// no meaning.
    #[error("the DMA was faster: frames are lost")]
    Overrun,
    /// Something went wrong on the line while the half was filled. It was copied all the same: with
    /// [`LineError::Overrun`] frames are missing, and otherwise one is not what was sent.
    #[error("while receiving: {0}")]
    Line(LineError),
    /// An access of the DMA has failed, and nothing comes any more: `stop`.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A half does not fit. Nothing was done.
    #[error("a half has {needed} words")]
    TooSmall {
        /// How many words a half has.
        needed: usize,
    },
}

/// Which half of the buffer is to be handed out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

impl Half {
    /// The flag that says that it is full.
    const fn flag(self) -> u32 {
        match self {
            Self::First => map::HTIF,
            Self::Second => map::TCIF,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// A buffer that is filled for ever, and the receiver that fills it.
///
/// Dropping it stops the channel, waits until that is drained, and drops both; forgetting it loses both, and breaks
/// nothing: the buffer is `'static`.
#[doc(alias("CircBuffer", "RingBuffer"))]
pub struct Circular<B, C>
where
    Endless<C>: Channel,
{
    transfer: Transfer<B, Endless<C>>,
    /// `None`: the DMA was faster, and the place is not found yet.
    next: Option<Half>,
}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Receiver<R, P, D, W> {
    /// Fills a buffer again and again: a half is read while the other is filled.
    ///
    /// # Errors
    ///
    /// See [`CircularStartError`]; receiver and buffer come back.
    pub fn circular<B>(self, buffer: B) -> Result<Circular<B, Self>, Refused<CircularStartError, Self, B>>
    where
        B: WriteBuffer<Word = W> + 'static,
    {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The buffer is `'static`.
        match unsafe { Transfer::start(Endless(self), Held::to_write(buffer)) } {
            Ok(transfer) => Ok(Circular { transfer, next: Some(Half::First) }),
            Err(Refused { kind, channel: Endless(channel), buffer }) => Err(Refused { kind, channel, buffer }),
        }
    }
}

impl<B, R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Circular<B, Receiver<R, P, D, W>> {
    /// How many words a half has.
    pub fn half(&self) -> usize {
        self.transfer.region().length / size_of::<W>() / 2
    }

    /// Copies the next half, if it is full. Returns how many words that is.
    ///
    /// # Errors
    ///
    /// See [`CircularError`].
    pub fn read(&mut self, into: &mut [W]) -> Result<Option<usize>, CircularError> {
        let words = self.half();
        let Some(into) = into.get_mut(..words) else {
            return Err(CircularError::TooSmall { needed: words });
        };
        let flags = self.engine().flags();
        let Some(half) = self.next else {
            self.find_place();
            return self.nothing(flags);
        };
        if flags & half.other().flag() != 0 {
            return Err(self.overrun());
        }
        if flags & half.flag() == 0 {
            return self.nothing(flags);
        }
        self.engine().clear(half.flag());
        self.copy(half, into);
        if self.engine().flags() & half.other().flag() != 0 {
            return Err(self.overrun());
        }
        self.next = Some(half.other());
        // Flags that are up go down at the DMA's next read of DR: after this read of SR. They are reported once, since
        // the next half is full only after such a read.
        let rx = self.receiver().rx();
        rx.status();
        rx.take_noted().map_or(Ok(Some(words)), |error| Err(CircularError::Line(error)))
    }

    /// Stops. Gives back the buffer and the receiver.
    pub fn stop(self) -> (B, Receiver<R, P, D, W>) {
        let (buffer, Endless(receiver), _) = self.transfer.stop();
        (buffer, receiver)
    }

    pub(super) fn receiver(&mut self) -> &mut Receiver<R, P, D, W> {
        &mut self.transfer.channel_mut().0
    }

    fn engine(&self) -> &P::Receive<D> {
        self.transfer.channel().0.engine()
    }

    /// No half is full. `flags` says whether one will be.
    fn nothing(&self, flags: u32) -> Result<Option<usize>, CircularError> {
        if flags & map::TEIF == 0 {
            return Ok(None);
        }
        let moved = self.engine().moved::<W>(self.transfer.region());
        Err(TransferError { moved }.into())
    }

    /// Copies a half, which has `into`'s length.
    fn copy(&self, half: Half, into: &mut [W]) {
        let region = self.transfer.region();
        let length = size_of_val(into);
        let start = if half == Half::First { 0 } else { length };
        let part = Region { pointer: region.pointer.wrapping_add(start), length, ..region };
        // SAFETY:
        // - It is a half of the region that the channel fills, and has not given back: the transfer runs.
        // - All of it was written: its flag was up, in `read`.
        // - `into` is valid for so many words, and nobody else's, so it is apart.
        unsafe { self.engine().snapshot(part, into.as_mut_ptr().cast()) }
    }

    /// The DMA was faster.
    fn overrun(&mut self) -> CircularError {
        self.next = None;
        self.find_place();
        CircularError::Overrun
    }

    /// Finds out which half is being filled, unless the DMA goes over to the other one just now.
    fn find_place(&mut self) {
        let boundaries = map::HTIF | map::TCIF;
        let engine = self.engine();
        engine.clear(boundaries);
        let left = engine.left();
        if engine.flags() & boundaries != 0 || left == 0 {
            return;
        }
        self.next = Some(if left > self.half() { Half::First } else { Half::Second });
    }
}

impl<B, C> fmt::Debug for Circular<B, C>
where
    Endless<C>: Channel,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circular").field("transfer", &self.transfer).field("next", &self.next).finish()
    }
}
