//! Random use of USBD's engine with buffers of the firmware's own: the property, and what it is compared with.
//!
//! | module | what it has |
//! |---|---|
//! | [`operations`] | what CPU and host do: a [`Case`](operations::Case), as text too |
//! | [`packets`] | what was sent on a pipe, and what may come of it |
//! | [`firmware`] | the CPU's side: makes the calls |
//! | [`host`] | the host: configures, resets, sends, takes |
//! | [`property`] | runs a case on the emulated chip, judges, replays |
//! | [`twin`] | the same with one thing wrong, which must be found |
//!
//! *Here*: `EpIn::send`, `EpOut::receive`, and what becomes of the transfer; halt, close; a host that resets, suspends,
//! configures, with faults on the wire. *Not here*: endpoint 0 but for requests without data (that is `Ep0In`'s
//! property), isochronous endpoints, `write` and `read` through the engine's buffer, power.

pub mod firmware;
pub mod host;
pub mod operations;
pub mod packets;
pub mod property;
pub mod twin;
