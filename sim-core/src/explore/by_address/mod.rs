//! Drivers that know the chip's addresses: registers, RAM, critical sections.
//!
//! A driver on a board of ours asks it for registers, and lends it buffers. A driver from elsewhere casts an address to
//! a reference and a pointer to `u32`. Three things are here for it, so that it need not be changed:
//!
//! - **Its registers are answered.** What svd2rust generates keeps them in cells of `vcell`: a workspace that patches
//!   that crate with ours (`sim-core/vcell`) has each access of a cell at a peripheral's address go to the board that
//!   [`run`] was given, on its thread. So choice points, interrupts, rules and traces are those of any other driver.
//!   What is accessed past any cell, by a pointer, faults, and is answered all the same, if more slowly (`trap`): with
//!   nothing patched.
//! - **Its memory has the chip's addresses.** [`run`] calls the firmware on a stack that lies in RAM at 0x2000_0000, so
//!   that a buffer on the stack has an address of 32 bits, and the DMA reaches it there (`ram`).
//! - **Its critical sections mask the simulated line.** The feature `critical-section` has an implementation of that
//!   crate's (`explore::section`).
//!
//! ```text
//! stepped::Bus
//!   run(&bus, &gaps, firmware)        registers, RAM and critical sections are this board's on this thread
//!     firmware()                      on the stack in RAM
//!       VolatileCell::get, set        a register access of the board: a choice point
//!         handler()                   in the middle of it, when the line is asserted
//! ```
//!
//! # What is not judged
//!
//! A driver that knows no [`DmaFence`](dma_api::fence::DmaFence) lends nothing and takes nothing back. So nobody can
//! tell when the CPU may touch a buffer, and whether a fence stands where one has to: the rules about lending and races
//! ([`Rule::Race`], `PointerNotLent`, `AcquiredInFlight`, ..) find nothing here. A missing fence is not seen. What is
//! seen of memory: a pointer out of RAM, and one to a frame that is gone ([`Rule::PointerToDeadFrame`]).
//!
//! # Modelled
//!
//! - Words of the peripherals that this simulator has. What else the driver asks of the chip is a [`Gap`]: counted,
//!   by address and kind, and the first of each a violation, of [`Rule::NotModelled`] or [`Rule::AccessMode`]. Under
//!   [`Policy::Collect`](crate::monitor::Policy::Collect) it reads as 0, a write to it does nothing, and the firmware
//!   goes on.
//! - The stack: the firmware has the chip's RAM for it. The simulator's own frames lie in between and below; the DMA
//!   reaches none of them.
//!
//! # Not modelled
//!
//! - Statics of the firmware: they are the host's, and beyond 4 GiB. Their addresses, cut to 32 bits, are not in RAM.
//!   They keep what they hold from run to run.
//! - The exact end of a frame: what a function has left on the stack is dead only when the CPU makes an access from
//!   farther up.
//! - `explore::threads` and `explore::model`: a copy in parallel to a driver that lends nothing would be a data race of
//!   the test itself.
//!
//! # Limits
//!
//! - Linux on x86-64. There is one RAM at 0x2000_0000 in a process, so one firmware at a time is in it: [`run`] waits
//!   for the others. Tests of one process run one after the other, as far as they are in it.
//! - Of published drivers those of `tests/published` have run so. Others may ask for what is not there: a [`Gap`] says
//!   so.
//! - A run that ends at an access by a pointer leaves the firmware's frames without dropping what is in them. Who makes
//!   such accesses does so by `unsafe`, and must bear that: no destructor that is to run there may be what keeps memory
//!   valid (a scope of threads, say).
//! - A line of the driver is the line in generated code that accesses the cell. An access by a pointer has none: its
//!   site is the trap's. What was accessed is in the trace; who did it, in the backtrace of a panic
//!   ([`Policy::Panic`](crate::monitor::Policy::Panic)).

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use vcell::hook;

use super::stepped::Bus;
use crate::monitor::{Misuse, Rule};

mod gaps;
mod peripherals;
mod ram;
mod registers;
mod trap;

pub use gaps::{Gap, Gaps, Missing};
pub use ram::RamError;

type Line = &'static Location<'static>;

/// The CPU of a board, as firmware by address sees it.
struct Cpu {
    board: Bus,
    gaps: Gaps,
}

thread_local! {
    static CPU: RefCell<Option<Rc<Cpu>>> = const { RefCell::new(None) };
}

/// The CPU that runs on this thread.
fn current() -> Option<Rc<Cpu>> {
    CPU.try_with(|cpu| cpu.borrow().clone()).ok().flatten()
}

/// Masks the line, if firmware runs by address on this thread.
#[cfg(feature = "critical-section")]
#[track_caller]
pub(super) fn mask() {
    if let Some(cpu) = current() {
        cpu.board.mask(ram::stack_pointer(), Location::caller());
    }
}

/// Unmasks it.
#[cfg(feature = "critical-section")]
#[track_caller]
pub(super) fn unmask() {
    if let Some(cpu) = current() {
        cpu.board.unmask(ram::stack_pointer(), Location::caller());
    }
}

/// Runs `firmware` on `board`, in the chip's RAM. What it asks of the chip that is not there is counted in `gaps`.
///
/// ```
/// # use dma_api::nrf52840::usbd::map;
/// # use sim_core::explore::by_address::{self, Gaps};
/// # use sim_core::explore::{Kind, stepped::Limits};
/// # use sim_core::soc::Config;
/// let gaps = Gaps::default();
/// let firmware = |board| {
///     let read = || {
///         // SAFETY: the address is ENABLE's, and `run` answers there.
///         unsafe { ((map::BASE + usize::from(map::enable())) as *const u32).read_volatile() }
///     };
///     assert_eq!(by_address::run(&board, &gaps, read), Ok(0));
/// };
/// let exploration = sim_core::explore(Config::default(), Limits::default(), firmware, |_| Box::pin(async { Ok(()) }));
/// assert_eq!(exploration.verdict.kind(), Kind::Sound);
/// ```
///
/// # Errors
///
/// If the host has something else at the chip's addresses.
///
/// # Panics
///
/// If the firmware does; and if this is called by firmware that runs so already, or on a board that has simulated RAM
/// ([`Config::ram`](crate::soc::Config::ram)), which would be at the same addresses.
#[track_caller]
pub fn run<T>(board: &Bus, gaps: &Gaps, firmware: impl FnOnce() -> T) -> Result<T, RamError> {
    assert!(current().is_none(), "a CPU runs on this thread already, and it has one RAM");
    let ram = ram::occupy()?;
    let line = Location::caller();
    let cpu = Rc::new(Cpu { board: board.clone(), gaps: gaps.clone() });
    board.with_soc(|soc| soc.move_into_ram());
    let installed = Installed::new(&cpu, line);
    let result = hook::during(cpu.clone(), || trap::during(|| ram.run_on_stack(firmware)));
    drop(installed);
    board.stop_at_violation();
    Ok(result)
}

/// Runs `body`, and `handler` in the middle of it, as [`Board::with_interrupt`](super::Board::with_interrupt) does: for
/// firmware that [`run`] has called. Where no firmware runs by address it is that.
///
/// See [`Board::with_interrupt`](super::Board::with_interrupt), and [`run`] for an example without.
#[track_caller]
pub fn with_interrupt<T>(board: &Bus, mut handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
    let on_entry = {
        let board = board.clone();
        move || {
            // The simulator's frames are between the main program's and those of the handler.
            let top = ram::stack_pointer().saturating_add(SLACK);
            board.with_soc(|soc| soc.enter_frame(top));
            let _leave = Left(&board);
            call(&mut handler);
        }
    };
    super::Board::with_interrupt(board, on_entry, body)
}

/// How far the first frame of a handler may begin above what [`ram::stack_pointer`] says, in bytes.
const SLACK: u32 = 64;

/// Calls the handler, in frames of its own.
#[inline(never)]
fn call(handler: &mut dyn FnMut()) {
    handler();
}

/// Leaves the handler's frames when it is dropped.
struct Left<'a>(&'a Bus);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.with_soc(|soc| soc.leave_frame());
    }
}

/// The CPU is that of this thread until this is dropped, when its frames are gone.
struct Installed<'a> {
    board: &'a Bus,
    line: Line,
}

impl<'a> Installed<'a> {
    fn new(cpu: &'a Rc<Cpu>, line: Line) -> Self {
        CPU.set(Some(cpu.clone()));
        Self { board: &cpu.board, line }
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        CPU.set(None);
        self.board.judge(|soc| soc.move_out_of_ram(self.line));
    }
}

/// The DMA has a pointer to memory that no frame has any more.
pub(crate) fn check_frame_lives(range: std::ops::Range<u32>, stack_pointer: u32) -> Misuse {
    let what = format!(
        "the DMA uses memory below the stack pointer, {stack_pointer:#010x}: the function whose buffer it was has \
         returned; wait for the end of the transfer before that"
    );
    Misuse { range: Some(range), ..Misuse::new(Rule::PointerToDeadFrame, what) }
}

#[cfg(test)]
pub(crate) mod tests;
