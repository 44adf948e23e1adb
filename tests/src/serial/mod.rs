//! Random use of USART1 with its channels: the property, and what it is compared with.
//!
//! | module | what it has |
//! |---|---|
//! | [`operations`] | what CPU and peer do: a [`Case`](operations::Case) |
//! | [`reference`](mod@reference) | who has which channel and buffer; so, which operations can come next |
//! | [`notation`], [`bytes`] | a case as one line of text, and as the bytes that a fuzzer makes |
//! | [`sending`], [`receiving`] | what the peer must get, what the firmware must |
//! | [`half`], [`halves`] | the calls of sender and receiver, and what may come of each |
//! | [`driver`] | one of them, whatever it does: makes the calls |
//! | [`firmware`] | the CPU's side: both, and the buffers |
//! | [`record`] | what both sides of a run write down |
//! | [`peer`] | the other end of the line |
//! | [`property`] | runs a case on the emulated chip, judges, replays |
//! | [`twin`] | the same with one thing wrong, which must be found |
//!
//! *Here*: one-shot transfers, waited for, stopped, dropped, forgotten, awaited; circular ones; scopes, with a panic
//! inside; flush; the channels taken anew. *Not here*: errors on the bus, frames of 9 bits, wakers by interrupt,
//! refusals by address: `tests/serial` has them, case by case.

pub mod bytes;
pub mod driver;
pub mod firmware;
pub mod half;
pub mod halves;
pub mod notation;
pub mod operations;
pub mod peer;
pub mod property;
pub mod receiving;
pub mod record;
pub mod reference;
pub mod sending;
pub mod twin;
