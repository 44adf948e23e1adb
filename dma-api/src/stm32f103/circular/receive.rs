//! Receiving for ever.

use embedded_dma::WriteBuffer;
use thiserror::Error;

use super::{Circular, CircularStartError, Endless, Trouble};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::dma::{Engine, TransferError};
use crate::stm32f103::usart::{Frame, Instance, LineError, ReceiveStartError, Receiver};
use crate::transfer::{Held, Refused};

/// Why no half was handed out.
///
/// See the [module](super) of `Circular` for an example.
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

impl From<Trouble> for CircularError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Faster => Self::Overrun,
            Trouble::Failed(error) => Self::Transfer(error),
        }
    }
}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Receiver<R, P, D, W> {
    /// Fills a buffer again and again: a half is read while the other is filled.
    ///
    /// # Errors
    ///
    /// See [`CircularStartError`]; receiver and buffer come back.
    pub fn circular<B>(
        self,
        buffer: B,
    ) -> Result<Circular<B, Self>, Refused<CircularStartError<ReceiveStartError>, Self, B>>
    where
        B: WriteBuffer<Word = W> + 'static,
    {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The buffer is `'static`.
        unsafe { Circular::start(Endless::new(self), Held::to_write(buffer)) }
    }
}

impl<B, R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Circular<B, Receiver<R, P, D, W>> {
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
        let is_full = self.turn(|engine, part| {
            // SAFETY:
            // - It is a half of the region that the channel fills, and has not given back: the transfer runs.
            // - All of it was written: its flag was up.
            // - `into` is valid for so many words, and nobody else's, so it is apart.
            unsafe { engine.snapshot(part, into.as_mut_ptr().cast()) }
        })?;
        if !is_full {
            return Ok(None);
        }
        // Flags that are up go down at the DMA's next read of DR: after this read of SR. They are reported once, since
        // the next half is full only after such a read.
        let rx = self.receiver().rx();
        rx.status();
        rx.take_noted().map_or(Ok(Some(words)), |error| Err(CircularError::Line(error)))
    }

    pub(in crate::stm32f103) fn receiver(&mut self) -> &mut Receiver<R, P, D, W> {
        &mut self.transfer.channel_mut().channel
    }
}
