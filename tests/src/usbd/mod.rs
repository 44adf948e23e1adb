//! Random use of USBD's engine: the property, and what it is compared with.
//!
//! | module | what it has |
//! |---|---|
//! | [`operations`] | what CPU and host do: a [`Case`](operations::Case) |
//! | [`notation`] | a case as one line of text, [`bytes`]: as the bytes that a fuzzer makes |
//! | [`packets`] | what was sent on a pipe, and what may come of it |
//! | [`firmware`] | the CPU's side: makes the calls; [`bulk`], [`isochronous`]: of endpoint 1, and 8 |
//! | [`fate`] | what becomes of a transfer |
//! | [`host`] | the host: configures, resets, sends, takes |
//! | [`record`] | what both sides write down |
//! | [`property`] | runs a case on the emulated chip, judges, replays |
//! | [`twin`] | the same with one thing wrong, which must be found |
//!
//! *Here*: `EpIn::send`, `EpOut::receive`, `IsoIn::send`, `IsoOut::receive`, with buffers of the firmware's own, and
//! what becomes of the transfer; `EpIn::write`, `EpOut::read`, through the engine's buffer; halt, close; a host that
//! resets, suspends, configures, with faults on the wire. *Not here*: endpoint 0 but for requests without data (that is
//! `Ep0In`'s property); isochronous packets of more than 65 bytes, from unaligned buffers, and with one direction that
//! has all of the chip's; power.

pub mod bulk;
pub mod bytes;
pub mod fate;
pub mod firmware;
pub mod host;
pub mod isochronous;
pub mod notation;
pub mod operations;
pub mod packets;
pub mod property;
pub mod record;
pub mod twin;
