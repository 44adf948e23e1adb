//! Sending for ever.

use embedded_dma::{ReadBuffer, WriteBuffer};
use thiserror::Error;

use super::{Circular, CircularStartError, Endless, Trouble};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::dma::{Engine, StartError, TransferError};
use crate::stm32f103::usart::{Frame, Instance, Sender};
use crate::transfer::{Held, Refused};

/// Why a half was not filled in time.
///
/// See the [module](super) of `Circular` for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CircularSendError {
    /// The DMA came round before the half was filled: old words were sent again, or some of them among the new. What
    /// was to be filled may have been sent, in part or as a whole, and is sent once more if it is written again.
    #[error("the DMA was faster: old words were sent again")]
    Underrun,
    /// An access of the DMA has failed, and nothing is sent any more: `stop`.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// There is less than a half. Nothing was done.
    #[error("a half has {needed} words")]
    TooShort {
        /// How many words a half has.
        needed: usize,
    },
}

impl From<Trouble> for CircularSendError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Faster => Self::Underrun,
            Trouble::Failed(error) => Self::Transfer(error),
        }
    }
}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Sender<R, P, D, W> {
    /// Sends a buffer again and again, as it is to begin with: a half is filled anew while the other is sent.
    ///
    /// It has to be one that can be written. One in flash is refused by the compiler:
    ///
    /// ```compile_fail,E0277
    /// # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
    /// # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
    /// fn sends_for_ever(sender: Sender, bytes: &'static [u8]) {
    ///     sender.circular(bytes); // `&'static mut [u8]`
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CircularStartError`]; sender and buffer come back.
    pub fn circular<B>(self, buffer: B) -> Result<Circular<B, Self>, Refused<CircularStartError<StartError>, Self, B>>
    where
        B: ReadBuffer<Word = W> + WriteBuffer<Word = W> + 'static,
    {
        // SAFETY:
        // - No transfer of the channel runs: here it is.
        // - The buffer is `'static`.
        unsafe { Circular::start(Endless::new(self), Held::to_refill(buffer)) }
    }
}

impl<B, R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Circular<B, Sender<R, P, D, W>> {
    /// Fills the next half with the first words of `from`, if the DMA is through with it. Returns how many words that
    /// is.
    ///
    /// # Errors
    ///
    /// See [`CircularSendError`].
    pub fn write(&mut self, from: &[W]) -> Result<Option<usize>, CircularSendError> {
        let words = self.half();
        let Some(from) = from.get(..words) else {
            return Err(CircularSendError::TooShort { needed: words });
        };
        let is_filled = self.turn(|engine, part| {
            // SAFETY:
            // - It is a half of the region that the channel sends, and has not given back: the transfer runs. The
            //   pointer is valid for writes (`Held::to_refill`).
            // - `from` is valid for so many words; nobody but this value has the buffer, so it is apart.
            unsafe { engine.fill(part, from.as_ptr().cast()) }
        })?;
        Ok(is_filled.then_some(words))
    }
}
