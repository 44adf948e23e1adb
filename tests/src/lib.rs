//! What several suites need: random use of the drivers, and the judge of mutants.
//!
//! [`judge`] says what is asserted of a driver with one mistake, [`chip`] is the least that a driver runs on,
//! [`one_thread`] is a board for usb-device. The rest is
//! random use: a property, and what it is compared with. That of USART1 and its channels is in [`mod@serial`], that of
//! USBD's engine in [`usbd`]; that of `Ep0In` is here:
//!
//! | module | what it has |
//! |---|---|
//! | [`operations`] | what CPU and host do: a [`Case`](operations::Case) |
//! | [`notation`] | a case as one line of text, [`bytes`]: as the bytes that a fuzzer makes |
//! | [`reference`](mod@reference), [`events`] | the endpoint's states, from its documentation: what a call may return |
//! | [`world`] | one of the states that it may be in, and what the chip has in store |
//! | [`conversation`] | what has passed on the wire: what the host may be answered |
//! | [`firmware`] | the CPU's side: makes the calls, asks the reference about each |
//! | [`property`] | runs a case on the emulated chip, on its schedule or on all; judges, replays |
//! | [`pace`] | schedules on which the CPU comes to its turn |
//! | [`buffers`] | buffers between red zones, with a note of what the CPU has left in them: of both |
//! | [`trial`] | runs a case on its schedule, prints what failed, replays it |
//! | [`sabotage`] | twins: the same with one thing wrong, which must be found |
//!
//! [`mod@fuzz`] is something else: any bytes, to whatever takes something from outside.
//!
//! `tests/prop` runs it on cases from proptest, `fuzz/` on cases from libFuzzer.

pub mod buffers;
pub mod bytes;
pub mod chip;
pub mod conversation;
pub mod events;
pub mod firmware;
pub mod fuzz;
pub mod judge;
pub mod notation;
pub mod one_thread;
pub mod operations;
pub mod pace;
pub mod property;
pub mod reference;
pub mod sabotage;
pub mod serial;
pub mod trial;
pub mod usbd;
pub mod world;
