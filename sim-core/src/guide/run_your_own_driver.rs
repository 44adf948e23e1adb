//! Run your own driver: one that was written for the chip, and knows its addresses.
//!
//! A driver on `dma-api`'s traits asks a [`Board`](crate::explore::Board) for its registers. Yours has them from a PAC,
//! casts buffers to `u32`, and ends in a loop. It runs here as it is, on Linux on x86-64, by
//! [`explore::by_address`](crate::explore::by_address).
//!
//! # What you write
//!
//! A manifest that patches `vcell`, and asks for critical sections:
//!
//! ```toml
#![doc = include_str!("../../examples/run_your_own_driver/Cargo.toml")]
//! ```
//!
//! Firmware, a host, and what is to be explored. This is all of it:
//!
//! ```ignore
#![doc = include_str!("../../examples/run_your_own_driver/src/main.rs")]
//! ```
//!
//! `cargo run`, in that directory, ends with a violation: the rule, where, and a string with which
//! [`replay`](fn@crate::replay) brings the run back.
//!
//! The line that it names is the one that accesses the register: in a PAC, that is generated code; of an access by a
//! pointer it is one of the simulator. For the way there, replay with
//! [`Policy::Panic`](crate::monitor::Policy::Panic) where `Stop` was: it panics at the access, and with
//! `RUST_BACKTRACE=1` the driver's frames are shown (`cargo run -- --panic`).
//!
//! # What happens to it
//!
//! | the driver | here |
//! |---|---|
//! | accesses a register in a cell of `vcell` (svd2rust's PACs, `cortex-m`) | an access of the board, at the address |
//! | accesses one by a pointer (chiptool's PACs, workarounds of errata) | it faults, and is answered likewise |
//! | casts a buffer's pointer to `u32` | the stack is in the chip's RAM: the DMA finds it there |
//! | enters a critical section | the board's interrupt line is masked |
//! | waits for an event in a loop | the others go on, until the event is there, or all wait: a deadlock |
//! | asks for a register that there is not | [`NotModelled`], and a line in the [`Gaps`] |
//!
//! [`NotModelled`]: crate::monitor::Rule::NotModelled
//! [`Gaps`]: crate::explore::by_address::Gaps
//!
//! # What you have to mind
//!
//! - **Buffers on the stack.** Those in statics and on the heap lie beyond 4 GiB: their addresses, cut, are not in RAM,
//!   and the violation says so.
//! - **Statics of the driver** keep what they hold from run to run. If what it does depends on that, a run is no
//!   function of its schedule any more: explore with one seed a process, or let it begin with a bus reset, as
//!   embassy-nrf does.
//! - **Interrupts.** Give the driver's handler to
//!   [`by_address::with_interrupt`](crate::explore::by_address::with_interrupt). An NVIC is not modelled: the one line
//!   is open, and writes to the NVIC are gaps. Let [`NotModelled`] have the policy
//!   [`Collect`](crate::monitor::Policy::Collect), and look at the list.
//! - **An executor** has to poll: `embassy_futures::block_on` does. One that sleeps by WFI has no instruction for it
//!   here.
//! - **`cortex_m::asm`** has no `delay` and no `wfi` off the chip: a driver that comes there panics.
//! - **A loop without a register access** never lets anybody else go on, and never ends. One with them that goes on for
//!   ever is ended by a verdict that names both sides.
//! - **How quick the host is.** On every schedule it may be quicker than any. `scheduler::Timed` gives it its time.
//! - **Fences are not judged.** Your driver lends nothing: see
//!   [`explore::by_address`](crate::explore::by_address).
//!
//! `tests/published` has two drivers, their classes, and what was found.
