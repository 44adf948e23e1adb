//! Random calls, random hosts and peers, random schedules: the properties hold.
//!
//! The properties are in this package's library (`tests/src`), with what they are compared with. Here are the cases,
//! the twins that must be found, what was found before, and the bytes that a fuzzer makes of a case.
//!
//! | | of what | how the cases are made |
//! |---|---|---|
//! | `ep0in` | `Ep0In`, whatever is called | two lists, each of anything |
//! | `serial` | `Sender` and `Receiver` of an STM32F103 | a `ReferenceStateMachine`: what can come next |
//! | `usbd` | USBD's engine: bulk, isochronous, copied packets | likewise |
//!
//! The cases are the same in each run: a failure here is not one of luck. New ones are the fuzzer's business.

mod cases;
mod ep0in;
mod serial;
mod usbd;
