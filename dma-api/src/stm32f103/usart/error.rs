//! What goes wrong on the line, and with it in a transfer.

use thiserror::Error;

use super::map::sr;
use crate::stm32f103::dma::{StartError, TransferError};

/// What the receiver has found wrong. Of several, the first in this order.
///
/// See [`Usart`](super::Usart) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    /// ORE: a frame came before the one ahead of it was read, and is lost.
    #[error("a frame is lost: the one before it had not been read in time")]
    Overrun,
    /// FE: a frame without a stop bit: another baud rate, or a break.
    #[error("a frame has no stop bit: baud rates differ, or the line was broken")]
    Framing,
    /// NE: the samples of a bit differ.
    #[error("there was noise in a frame")]
    Noise,
    /// PE: the parity bit is wrong.
    #[error("the parity of a frame is wrong")]
    Parity,
}

impl LineError {
    /// The flags of all, in SR.
    pub(super) const FLAGS: u32 = sr::ORE.mask() | sr::FE.mask() | sr::NE.mask() | sr::PE.mask();

    /// What is set in `status`.
    #[inline]
    pub(super) fn of(status: u32) -> Option<Self> {
        match status {
            _ if sr::ORE.is_set(status) => Some(Self::Overrun),
            _ if sr::FE.is_set(status) => Some(Self::Framing),
            _ if sr::NE.is_set(status) => Some(Self::Noise),
            _ if sr::PE.is_set(status) => Some(Self::Parity),
            _ => None,
        }
    }
}

/// Why a receiver did not start.
///
/// See [`ReceiveError`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceiveStartError {
    /// Something went wrong on the line before. The flag is cleared, and the frame that waited is gone: the next start
    /// succeeds.
    #[error("before the start: {0}")]
    Line(LineError),
    /// The channel's reason.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What goes wrong while frames are received into memory.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::stm32f103::dma::ChipDma1;
/// # use dma_api::stm32f103::usart::{self, ChipUsart1, LineError, ReceiveError, Usart1};
/// # type Receiver = usart::Receiver<ChipUsart1, Usart1, ChipDma1<InOrder>>;
/// /// Whether frames were lost because nobody took them.
/// fn is_overrun(receiver: Receiver, room: &'static mut [u8; 64]) -> bool {
///     let transfer = receiver.read_exact(room).map_err(|refused| refused.kind).unwrap();
///     let outcome = transfer.wait().map_err(|failed| failed.kind);
///     matches!(outcome, Err(ReceiveError::Line(LineError::Overrun)))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// Something went wrong on the line. The buffer is full all the same: with an overrun frames are missing somewhere
    /// in it, and otherwise one of them is not what was sent.
    #[error("while receiving: {0}")]
    Line(LineError),
    /// The channel's error. The buffer holds what came before.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}
