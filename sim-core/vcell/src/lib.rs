//! Volatile cells that a simulated chip can answer: a stand-in for vcell 0.1.
//!
//! What svd2rust generates keeps every register in a `VolatileCell`, and so do cortex-m's blocks. A workspace that
//! says
//!
//! ```toml
//! [patch.crates-io]
//! vcell = { path = "dmacheck/sim-core/vcell" }
//! ```
//!
//! builds its drivers with this crate instead, not a line of them changed. Types and methods are those of the original.
//! Each access of a cell that lies at a peripheral's address ([`hook::is_register`]) is then an access of the chip that
//! runs on this thread ([`hook::during`]). Every other cell is memory, and read and written as the original does.
//!
//! *Not for the chip itself*: where there is no operating system, this is the original in other words. The same
//! workspace builds the firmware.
//!
//! *Modelled*: hosts with 64-bit pointers, little-endian as the chips are. On others nothing is answered: what lies at
//! a chip's addresses there may be the host's own memory.

#![cfg_attr(target_os = "none", no_std)]
#![deny(unsafe_code)]

#[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
mod answered;
#[expect(unsafe_code, reason = "a volatile access is one of a raw pointer")]
mod cell;
#[cfg(all(not(target_os = "none"), target_pointer_width = "64", target_endian = "little"))]
pub mod hook;

pub use cell::VolatileCell;
