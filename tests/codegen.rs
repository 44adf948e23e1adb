//! What the compiler makes of the drivers: how much, and in which order.
//!
//! The crate in `codegen/` is compiled and its assembly is read, by [`listing`]; nothing of it is ever run.
//!
//! - [`cost`] counts: `Ep0In` and the transfers of USART1, in instructions, against code by hand.
//! - [`handover`] reads the order: are the buffer's bytes there at START, are they looked at after END, and what
//!   happens to a driver without fences?
//!
//! The counts: `cargo test -p tests --test codegen -- --ignored --nocapture`.

#[path = "codegen_suite/build.rs"]
mod build;
#[path = "codegen_suite/cost.rs"]
mod cost;
#[path = "codegen_suite/handover.rs"]
mod handover;
mod listing;
