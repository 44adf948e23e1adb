//! Serial interfaces, whichever chip's: what a driver of a modem asks for.
//!
//! A driver that says `impl WriteAll<B>` names no channel, no USART and no chip:
//!
//! ```
//! # use dma_api::serial::{ReadExact, WriteAll};
//! # use dma_api::transfer::Transferring;
//! /// A question, and room for its answer.
//! fn ask<S, R>(sender: S, receiver: R, question: &'static [u8], answer: &'static mut [u8]) -> Option<(S, R)>
//! where
//!     S: WriteAll<&'static [u8]>,
//!     R: ReadExact<&'static mut [u8]>,
//! {
//!     let answered = receiver.read_exact(answer).ok()?; // before the question: it may be quick
//!     let asked = sender.write_all(question).ok()?;
//!     let (_, sender) = asked.wait().ok()?;
//!     let (_, receiver) = answered.wait().ok()?;
//!     Some((sender, receiver))
//! }
//! ```
//!
//! The STM32F103's [`Sender`] and [`Receiver`] are such, made by [`WithDma`] of their halves.
//!
//! [`Sender`]: crate::stm32f103::usart::Sender
//! [`Receiver`]: crate::stm32f103::usart::Receiver

use crate::transfer::{Failed, Refused, Transferring};

/// Sends buffers of type `B`.
///
/// See the [module](self) for an example.
pub trait WriteAll<B>: Sized {
    /// Why it does not start.
    type Refusal;
    /// What goes wrong in the middle.
    type Error;
    /// A transfer that runs.
    type Transfer: Transferring<Payload = (B, Self), Error = Failed<Self::Error, Self, B>>;

    /// Sends a buffer.
    ///
    /// # Errors
    ///
    /// Why it was not started, with all that was to take part in it.
    fn write_all(self, buffer: B) -> Result<Self::Transfer, Refused<Self::Refusal, Self, B>>;
}

/// Fills buffers of type `B`.
///
/// See the [module](self) for an example.
pub trait ReadExact<B>: Sized {
    /// Why it does not start.
    type Refusal;
    /// What goes wrong in the middle.
    type Error;
    /// A transfer that runs.
    type Transfer: Transferring<Payload = (B, Self), Error = Failed<Self::Error, Self, B>>;

    /// Fills a buffer.
    ///
    /// # Errors
    ///
    /// Why it was not started, with all that was to take part in it.
    fn read_exact(self, buffer: B) -> Result<Self::Transfer, Refused<Self::Refusal, Self, B>>;
}

/// An interface that the channel `C` can serve.
///
/// See the [module](self) for an example.
pub trait WithDma<C> {
    /// The interface together with its channel.
    type Dma;

    /// The interface together with its channel.
    fn with_dma(self, channel: C) -> Self::Dma;
}
