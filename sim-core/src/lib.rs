//! Emulated DMA peripherals, and the explorers that run real drivers against them.
//!
//! A DMA transfer is a thread that runs a `memcpy` which the compiler cannot see. Here it really is one: the chip's
//! engine runs in parallel to the driver, so that what goes wrong on hardware goes wrong in `cargo test`, with a name,
//! both sites and a string that replays it.
//!
//! ```text
//! your driver                     generic over dma_api's Registers + DmaFence, unchanged
//!   explore::threads              driver, engine, host on threads             real parallelism
//!   explore::stepped              a scheduler decides at every access         every interleaving, replay
//!   explore::model                loom                                        every ordering that the fences allow
//! soc                             chip + memory + engine + monitor + trace, one value, driven by all three
//!   device::usbd, device::power   an nRF52840's peripherals: pure state machines
//!   device::stm32f103             an STM32F103's DMA controllers and USARTs, likewise
//!   memory, engine                windows onto host memory; the copy, a word at a time
//!   quirks                        what a bus and a device may do besides: posted writes, flags before data
//!   monitor                       rules, ownership, vector clocks -> Violation
//!   host                          the virtual USB host: an async script of tokens and handshakes; what goes wrong
//!                                 on a wire, frames, enumeration as Linux, Windows and macOS do it; or the peer of
//!                                 a serial line
//!   trace                         what happened: a timeline, a capture for Wireshark, waveforms
//! check                           the programs and the matrix of the `dmacheck` command
//! catalogue, by_hand              known ways to get DMA wrong, each with the right one; firmware of bare registers
//! ```
//!
//! # Check a driver
//!
//! With closures: [`explore`](fn@explore) and [`model`](fn@model) take closures; `examples/explore.rs` and
//! `examples/model.rs` check a driver by hand with each.
//!
//! A [`explore::Program`] is firmware and a host. This one sends three bytes; [`explore::stepped`] tries every
//! schedule:
//!
//! ```
//! use dma_api::nrf52840::usbd::{Ep0In, Usbd};
//! use sim_core::check::programs::begin_control_read;
//! use sim_core::explore::{Board, Kind, Program, Verdict, stepped};
//! use sim_core::host::{Host, Script};
//! use sim_core::machine::{Fences, Machine};
//! use sim_core::soc::{Config, Soc};
//! use sim_core::trace;
//!
//! struct ThreeBytes(Fences);
//!
//! impl Program for ThreeBytes {
//!     fn name(&self) -> String {
//!         format!("three-bytes:{}", self.0.machine) // in replay strings: no dot, no white space
//!     }
//!     fn config(&self) -> Config {
//!         Config { fences: self.0, ..Config::default() }
//!     }
//!     fn prepare(&self, soc: &mut Soc) {
//!         begin_control_read(soc);
//!     }
//!     fn firmware<B: Board>(&self, board: B) {
//!         let mut ep0in = Ep0In::new(Usbd::new(board), sim_core::statics::packet_buffer());
//!         ep0in.start(&[1, 2, 3]).unwrap();
//!         while ep0in.end().is_err() {}
//!     }
//!     fn host(&self, mut host: Host) -> Script {
//!         Box::pin(async move {
//!             assert_eq!(host.packet_in(true).await?.bytes(), [1, 2, 3]);
//!             Ok(())
//!         })
//!     }
//! }
//!
//! // compiler_fence, which is what dma_api's `InOrder` is: enough on a Cortex-M4, not on a Cortex-M7.
//! let m4 = Fences::right(Machine::CortexM4);
//! let exploration = stepped::explore(&ThreeBytes(m4), stepped::Limits::default());
//! assert_eq!(exploration.verdict.kind(), Kind::Sound);
//!
//! let m7 = Fences { machine: Machine::CortexM7, ..m4 };
//! let Verdict::Race(found) = stepped::explore(&ThreeBytes(m7), stepped::Limits::default()).verdict else { panic!() };
//! let recording = found.violation.replay.unwrap().parse().unwrap();
//! let again = stepped::replay(&ThreeBytes(m7), &recording).unwrap();
//! println!("{}", trace::timeline::render(&again.trace));
//! ```
//!
//! A driver that knows the chip's addresses runs as it is: [`guide::run_your_own_driver`].
//!
//! Where the driver calls `release` and `acquire` is what is checked. What its own `DmaFence` does on the chip is not
//! executed here: `Config::fences` says what it is worth.
//!
//! # What is not checked
//!
//! - A missing `compiler_fence` emits no instruction: it shows in the model (the fence is a value there) and in emitted
//!   code, not in a run of a compiled driver.
//! - loom does not explore load buffering, and has five threads. The vector clocks of [`monitor::clocks`] have neither
//!   limit, but take registers to be read as their latest value, which device memory guarantees.
//! - An interrupt handler runs at register accesses, fences and the calls of [`explore::Board`]: what it does to memory
//!   that the main program looks at in between, outside of a critical section, is seen at those only.
//! - [`explore::stepped`] takes a driver to be a function of what it reads. One that counts its polls is not.
//! - Where the hardware's documents are silent, the chip's choice is a switch ([`device::usbd::Options`]), not the
//!   truth.

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "a write of a register is unsafe: it may start a transfer")]
pub mod by_hand;
pub mod catalogue;
pub mod check;
pub mod device;
pub mod engine;
#[expect(unsafe_code, reason = "the explorers' buses implement the unsafe traits of dma-api")]
pub mod explore;
pub mod fate;
pub mod guide;
mod hash;
pub mod host;
pub mod machine;
#[expect(unsafe_code, reason = "the engine reads and writes host memory through windows")]
pub mod memory;
pub mod monitor;
pub mod quirks;
#[expect(unsafe_code, reason = "`release` passes the lender's promise on to memory")]
pub mod soc;
pub mod statics;
pub mod trace;

pub use explore::entry::{explore, model, replay};
