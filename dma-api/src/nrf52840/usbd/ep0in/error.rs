//! Why endpoint 0 IN did not do what it was asked for.

use thiserror::Error;

/// Why [`Ep0In::start`](super::Ep0In::start) did not start. Nothing was touched.
///
/// See [`Ep0In`](super::Ep0In) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The buffer is still lent to the DMA, or the host has not taken the packet.
    #[error(
        "endpoint 0 IN is busy with a packet: call `end` until it succeeds; if the host has given up, `abort`, and \
         try again until the DMA has read the buffer"
    )]
    Busy,
    /// More than a packet.
    #[error("{length} bytes do not fit a packet of endpoint 0: send at most 64 at a time")]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// No bytes.
    #[error(
        "0 bytes make no data stage: use `accept` for the status stage, or `start_zero_length` to end a data stage"
    )]
    Empty,
}

/// Why [`Ep0In::end`](super::Ep0In::end) did not end the transfer. Nothing was changed.
///
/// See [`Ep0In`](super::Ep0In) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndError {
    /// The DMA still runs, or the host has not taken the packet.
    #[error("the packet is still on its way: wait for EVENTS_EP0DATADONE")]
    NotDone,
    /// There is no transfer to end.
    #[error("no packet is on its way: none was started, or it was aborted")]
    NotStarted,
}

/// Why [`Ep0In::accept`](super::Ep0In::accept) or [`Ep0In::stall`](super::Ep0In::stall) did nothing.
///
/// See the [crate](crate#use) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// A packet is on its way, and the tasks of endpoint 0 need the DMA engine idle.
    #[error("endpoint 0 IN is busy with a packet: end or abort it first")]
    Busy,
}
