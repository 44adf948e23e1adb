//! Why a channel does not start, and what goes wrong in the middle.

use thiserror::Error;

use super::map;
use crate::address::BusAddress;

/// Why a channel did not start. Nothing was touched.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::stm32f103::dma::{ChipDma1, StartError, TransferError};
/// # use dma_api::stm32f103::usart::{ChipUsart1, Sender, Usart1};
/// # use dma_api::transfer::{Failed, Refused};
/// # type Port = Sender<ChipUsart1, Usart1, ChipDma1<InOrder>>;
/// fn send(sender: Port, bytes: &'static [u8]) -> (Port, Option<TransferError>) {
///     match sender.write_all(bytes) {
///         Ok(transfer) => match transfer.wait() {
///             Ok((_, sender)) => (sender, None),
///             Err(Failed { kind, channel, .. }) => (channel, Some(kind)),
///         },
///         Err(Refused { kind: StartError::Empty, channel, .. }) => (channel, None), // nothing to send
///         Err(refused) => panic!("{}", refused.kind),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A transfer of nothing never ends: CNDTR=0 serves no request, and raises no flag.
    #[error("the buffer is empty: a transfer of nothing would never end")]
    Empty,
    /// More than CNDTR counts.
    #[error("{items} items do not fit CNDTR: move at most {} at a time", map::MOST_ITEMS)]
    TooLong {
        /// How many items the buffer has.
        items: usize,
    },
    /// The controller would ignore the address's low bits, and use memory that lies before the buffer.
    #[error("{address} is not aligned to its items, and the DMA would ignore its low bits")]
    Misaligned {
        /// Where the buffer lies.
        address: BusAddress,
    },
    /// The controller has no access there: it reads RAM and flash, and writes RAM.
    #[error("the DMA cannot reach {address}: it reads RAM and flash, and writes RAM")]
    OutOfReach {
        /// Where the buffer lies.
        address: BusAddress,
    },
}

/// An access of the controller has failed (TEIF): the channel has stopped in the middle.
///
/// See [`StartError`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an access of the DMA has failed after {moved} items")]
pub struct TransferError {
    /// How many items were moved before.
    pub moved: usize,
}
