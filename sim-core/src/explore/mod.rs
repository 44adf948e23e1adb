//! Who runs when: three ways to run the same program on the same chip.
//!
//! | explorer | what runs | what it is for |
//! |---|---|---|
//! | [`threads`] | driver, engine and host on threads of their own | real parallelism, speed |
//! | [`stepped`] | no threads: a [`scheduler`] decides at every register access | every interleaving, replay, clocks |
//! | [`model`] | driver and device as loom threads | every ordering that the fences allow |
//!
//! An interrupt handler runs under all three, in the middle of the main program ([`Board::with_interrupt`]).
//!
//! `stepped` and `model` answer the same question, does this access happen after that one, by different means; they
//! must agree.

use std::fmt;
use std::panic::resume_unwind;

use dma_api::address::BusAddress;
use dma_api::fence::DmaFence;
use dma_api::nrf52840::power::{Power, PowerClock};
use dma_api::nrf52840::usbd::UsbdBlock;
use dma_api::registers::{OutsideRegisters, Peripheral, RegistersOf};
use serde::Serialize;

use crate::memory::cache::Operation;
use crate::monitor::{Policy, Rule, Violation};

mod block;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod by_address;
pub mod entry;
mod interrupt;
pub mod model;
mod program;
pub mod progress;
mod quiet;
pub mod replay;
pub mod scheduler;
#[cfg(feature = "critical-section")]
mod section;
pub mod stepped;
pub mod threads;

pub use block::Block;
#[cfg(test)]
pub(crate) use interrupt::tests::storm as interrupt_storm;
pub use program::{Program, ProgramOn};
pub use quiet::quietly;

/// What firmware runs on: the bus of an emulated chip. A clone is the same board.
///
/// Firmware that is generic over it runs under every explorer:
///
/// ```
/// # use dma_api::nrf52840::usbd::{Ep0In, Event, Usbd};
/// # use sim_core::explore::Board;
/// # use sim_core::statics;
/// /// Refuses all that the host asks for.
/// fn refuse<B: Board>(board: B) {
///     let mut ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
///     while !board.host_is_done() {
///         if let Some(Event::Setup(_)) = ep0in.next_event() {
///             ep0in.stall().expect("no packet is on its way");
///         }
///     }
/// }
/// ```
/// With an interrupt: `examples/interrupt.rs`.
pub trait Board: RegistersOf<UsbdBlock> + OutsideRegisters + DmaFence + Clone + fmt::Debug + 'static {
    /// Whether the host has come to the end of its script. Firmware that serves until then, ends.
    fn host_is_done(&self) -> bool;

    /// Says that all that the firmware knows here is in `local`: what it has read before matters no more. An explorer
    /// that visits states once then knows one again. Does nothing elsewhere.
    ///
    /// With an interrupt handler: what that keeps is part of it. Called *by* the handler, it says what the handler and
    /// all that it shares know; what the main program has for itself stays known.
    fn checkpoint(&self, _local: &dyn fmt::Debug) {}

    /// Runs `body`, and `handler` in the middle of it when the chip's interrupt line is asserted: at register accesses,
    /// at both fences, at the ends of critical sections, and in [`wait_for_interrupt`](Self::wait_for_interrupt).
    ///
    /// What both use is shared as in firmware, where a static holds it: `Rc<RefCell<Driver>>`, borrowed in
    /// [`critical_section`](Self::critical_section)s only. A borrow that is interrupted by another is a panic, and so a
    /// verdict. The handler, with what it keeps, is dropped before this returns.
    ///
    /// # Panics
    ///
    /// If there is a handler already.
    #[track_caller]
    fn with_interrupt<T>(&self, handler: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T;

    /// Runs `body` with interrupts masked. Sections nest. A handler that is due runs after the outermost.
    #[track_caller]
    fn critical_section<T>(&self, body: impl FnOnce() -> T) -> T;

    /// Sleeps until the interrupt line is asserted (WFI), which it may be already. Returns when the handler has run; in
    /// a critical section, before it runs.
    ///
    /// The end of the host's script wakes the firmware as well: it stands for whatever else ends a program. A firmware
    /// that sleeps while nothing can wake it is a [`Verdict::Deadlock`].
    #[track_caller]
    fn wait_for_interrupt(&self);

    /// Reads a byte of simulated RAM, which [`Program::prepare`] has allocated
    /// ([`Soc::allocate`](crate::soc::Soc::allocate)): for firmware that touches a buffer while the DMA may. 0 where
    /// there is no such RAM.
    ///
    /// An access of the CPU to memory that a `&[u8]` is a view of, no explorer sees.
    #[track_caller]
    fn load(&self, address: BusAddress) -> u8;

    /// Writes a byte of simulated RAM, likewise. Lost where there is none.
    #[track_caller]
    fn store(&self, address: BusAddress, value: u8);

    /// Maintains the lines of the data cache that `length` bytes of simulated RAM touch, where there is a cache
    /// ([`Config::cache`](crate::soc::Config::cache)).
    #[track_caller]
    fn maintain(&self, address: BusAddress, length: u32, operation: Operation);

    /// The fence of [`release`](DmaFence::release), for simulated RAM: nothing is lent.
    #[track_caller]
    fn release_fence(&self);

    /// The fence of [`acquire`](DmaFence::acquire), for simulated RAM.
    #[track_caller]
    fn acquire_fence(&self);

    /// The driver of this chip's POWER and CLOCK, with its controller off.
    fn power(&self) -> Power<Block<Self, PowerClock>> {
        Power::new(self.block())
    }

    /// The registers of the peripheral `P`, for its driver, or for firmware that has none. On a chip without the
    /// peripheral all are 0.
    fn block<P: Peripheral>(&self) -> Block<Self, P> {
        Block::new(self.clone())
    }
}

/// What every register holds for a driver that is being left, by a panic or after a violation: whatever its destructors
/// wait for has come. The engine moves nothing any more.
const WHILE_LEAVING: u32 = u32::MAX;

/// What unwinds a driver after a violation, under [`Policy::Stop`]: which one, the monitor knows.
struct Stopped;

/// Leaves a driver, through its frames, for a violation that ends the run. By [`Policy::Panic`] it panics at the
/// caller's line.
#[track_caller]
fn unwind(violation: &Violation, policy: Policy) -> ! {
    if policy == Policy::Panic {
        quiet::panic_aloud(&violation.to_string());
    }
    resume_unwind(Box::new(Stopped))
}

/// What an exploration has found.
///
/// See [`Kind`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every execution was sound. From `explore` or `check`: and nothing was left unexplored. From `run`: the one.
    Sound {
        /// How many executions there are.
        executions: u64,
        /// How many of them came to their end: firmware and host.
        complete: u64,
    },
    /// Two accesses that nothing orders.
    Race(Found),
    /// Another rule was broken.
    Violation(Found),
    /// The program panicked, or the host did not get what it was due.
    Assertion {
        /// What it said.
        message: String,
        /// What brings it back, from an explorer that can replay.
        replay: Option<String>,
        /// How many executions that took.
        executions: u64,
    },
    /// Everybody waits for somebody.
    Deadlock {
        /// Who waits for what.
        message: String,
        /// What brings it back, from an explorer that can replay.
        replay: Option<String>,
        /// How many executions that took.
        executions: u64,
    },
    /// It goes on and on: no end is in sight, and nobody waits for anybody who could end it.
    Livelock {
        /// Where both sides are. There is no replay string: it would hold a million choices.
        message: String,
        /// How many executions that took.
        executions: u64,
    },
    /// A limit was hit, or bounds were set: what was explored is sound, the rest is unknown.
    Inconclusive {
        /// What was not explored.
        message: String,
        /// How many executions were explored.
        executions: u64,
    },
    /// No execution came to its end, or none did anything: nothing was shown.
    Vacuous {
        /// What is missing.
        message: String,
        /// How many executions there are.
        executions: u64,
    },
}

/// A broken rule, and how long it took to find.
///
/// See [`Kind`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found.
    pub violation: Violation,
    /// In which execution, counted from 1.
    pub executions: u64,
}

/// The verdict without its evidence: what a test expects.
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::{Kind, Verdict, stepped};
/// # use sim_core::machine::{Fences, Strength};
/// let fences = Fences { start: Strength::None, ..Fences::default() };
/// let program = BackToBack { packets: 1, length: 2, fences };
/// let verdict = stepped::explore(&program, stepped::Limits::default()).verdict;
/// assert_eq!(verdict.kind(), Kind::Race);
/// let Verdict::Race(found) = verdict else { unreachable!() };
/// assert!(found.violation.to_string().contains("with CPU: "), "both sites are named");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// [`Verdict::Sound`].
    Sound,
    /// [`Verdict::Race`].
    Race,
    /// [`Verdict::Violation`] of this rule.
    Violation(Rule),
    /// [`Verdict::Assertion`].
    Assertion,
    /// [`Verdict::Deadlock`].
    Deadlock,
    /// [`Verdict::Livelock`].
    Livelock,
    /// [`Verdict::Inconclusive`].
    Inconclusive,
    /// [`Verdict::Vacuous`].
    Vacuous,
}

impl Verdict {
    /// The verdict for a violation that an execution has ended with.
    pub fn found(violation: Violation, executions: u64) -> Self {
        let is_race = violation.misuse.rule == Rule::Race;
        let found = Found { violation, executions };
        if is_race { Self::Race(found) } else { Self::Violation(found) }
    }

    /// The verdict of one execution, found as the `count`th of many.
    pub fn after(mut self, count: u64) -> Self {
        match &mut self {
            Self::Race(found) | Self::Violation(found) => found.executions = count,
            Self::Sound { executions, .. }
            | Self::Assertion { executions, .. }
            | Self::Deadlock { executions, .. }
            | Self::Livelock { executions, .. }
            | Self::Inconclusive { executions, .. }
            | Self::Vacuous { executions, .. } => *executions = count,
        }
        self
    }

    /// The verdict without its evidence.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sound { .. } => Kind::Sound,
            Self::Race(_) => Kind::Race,
            Self::Violation(found) => Kind::Violation(found.violation.misuse.rule),
            Self::Assertion { .. } => Kind::Assertion,
            Self::Deadlock { .. } => Kind::Deadlock,
            Self::Livelock { .. } => Kind::Livelock,
            Self::Inconclusive { .. } => Kind::Inconclusive,
            Self::Vacuous { .. } => Kind::Vacuous,
        }
    }

    /// How many executions were explored.
    pub fn executions(&self) -> u64 {
        match self {
            Self::Race(found) | Self::Violation(found) => found.executions,
            Self::Sound { executions, .. }
            | Self::Assertion { executions, .. }
            | Self::Deadlock { executions, .. }
            | Self::Livelock { executions, .. }
            | Self::Inconclusive { executions, .. }
            | Self::Vacuous { executions, .. } => *executions,
        }
    }

    /// What brings the failure back, where there is one and its explorer can.
    pub fn replay(&self) -> Option<&str> {
        match self {
            Self::Race(found) | Self::Violation(found) => found.violation.replay.as_deref(),
            Self::Assertion { replay, .. } | Self::Deadlock { replay, .. } => replay.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound => f.pad("sound"),
            Self::Race => f.pad("race"),
            Self::Violation(rule) => f.pad(&rule.to_string()),
            Self::Assertion => f.pad("assertion"),
            Self::Deadlock => f.pad("deadlock"),
            Self::Livelock => f.pad("livelock"),
            Self::Inconclusive => f.pad("inconclusive"),
            Self::Vacuous => f.pad("vacuous"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound { executions, complete } => {
                write!(f, "sound: {executions} executions, {complete} of them complete")
            }
            Self::Race(found) | Self::Violation(found) => write!(f, "{}", found.violation),
            Self::Assertion { message, replay, .. } | Self::Deadlock { message, replay, .. } => {
                write!(f, "{}: {message}", self.kind())?;
                if let Some(replay) = replay {
                    write!(f, "\n  replay {replay}")?;
                }
                Ok(())
            }
            Self::Livelock { message, .. } => write!(f, "livelock: {message}"),
            Self::Inconclusive { message, executions } => {
                write!(f, "inconclusive after {executions} executions: {message}")
            }
            Self::Vacuous { message, executions } => {
                write!(f, "vacuous after {executions} executions: {message}, so nothing was shown")
            }
        }
    }
}
