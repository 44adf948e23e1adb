//! What a bus and a device may do besides: writes come late, flags come early.
//!
//! A [`Machine`](crate::machine::Machine) says what the core does to the order of memory accesses. These values say
//! what happens behind the core; they go with each machine, each chip, and each other.
//!
//! | quirk | what it does | what a driver needs against it |
//! |---|---|---|
//! | [`Writes::Posted`] | a register write is on its way for a while: the CPU goes on | to read a register of that peripheral, before it relies on the write |
//! | [`Completion::BeforeData`] | a flag tells of bytes that are not in memory yet | another flag, a time, another chip: no read helps |
//! | [`Completion::BeforeDataUntilRead`] | likewise, and a read of a register that does not tell of the end pushes them there | that read, after the flag |
//!
//! # Posted writes
//!
//! A write leaves the core in a buffer of the bus, and takes effect later: when, is the scheduler's choice. Writes to
//! one peripheral take effect in their order, and a read of one comes after the writes to it. Peripherals are
//! independent of each other: USBD; POWER with CLOCK; DMA1; DMA2; each USART. What a release fence covers is decided
//! when the CPU issues the write.
//!
//! *Modelled*: any delay, to the next read of that peripheral or the end of the program; writes of an interrupt handler
//! that take effect after it has returned. *Not modelled*: a buffer that is full; barriers that empty it (a DSB is none
//! of this project's fences); an order between peripherals, or between registers and memory, that a bus may have.
//! *Unspecified; we chose*: the registers at 0x4006E000, which errata's workarounds write, take effect at once, as does
//! what destructors write while a program unwinds by a panic of its own.
//!
//! # Completion before data
//!
//! Of a transfer to memory, the last word (of EasyDMA), or the item that HTIF or TCIF tells of (of an STM32's channel),
//! is still on its way when the flag shows, and AMOUNT or CNDTR with it. When it lands is the scheduler's choice;
//! before the same controller writes to memory again, at the latest. Memory that is taken back before is
//! [`Rule::AcquiredInFlight`](crate::monitor::Rule), and the word never lands; memory that is looked at before is
//! [`Rule::CpuAccessInFlight`](crate::monitor::Rule).
//!
//! *Modelled*: EPOUT and ISOOUT of USBD, each channel that writes to memory. EVENTS_EP0DATADONE tells of the endpoint's
//! own buffer, and no word of memory: it cannot come too early. *Not modelled*: a flag before the last word is *read*;
//! more than one word that is late; an item that EN=0 has stopped, for which a read of the controller waits in any
//! case. *Unspecified; we chose*: the reads that push are those of USBD but for events and AMOUNT, and those of the DMA
//! controller but for ISR and CNDTR.
//!
//! # Explorers
//!
//! Only [`stepped`](crate::explore::stepped) has choices to make. [`threads`](crate::explore::threads) and
//! [`model`](crate::explore::model) run no program with a quirk: their verdict is
//! [`Verdict::Inconclusive`].

use std::fmt;

use serde::Serialize;

use crate::explore::Verdict;

/// What bus and device do besides. Nothing, by default.
///
/// ```
/// # use sim_core::quirks::{Completion, Quirks, Writes};
/// # use sim_core::soc::Config;
/// let quirks = Quirks { writes: Writes::Posted, completion: Completion::BeforeDataUntilRead };
/// let config = Config { quirks, ..Config::default() };
/// assert!(config.quirks.completion.is_early());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Quirks {
    /// When a register write of the CPU takes effect.
    pub writes: Writes,
    /// When the flags of a transfer to memory show.
    pub completion: Completion,
}

/// When a register write of the CPU takes effect.
///
/// See [`Quirks`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writes {
    /// At once, in program order.
    #[default]
    AtOnce,
    /// Later: in order for each peripheral, and before a read of it.
    Posted,
}

/// When the flags of a transfer to memory show.
///
/// See [`Quirks`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// When all is in memory, as the manuals have it.
    #[default]
    AfterData,
    /// Before the last word is.
    BeforeData,
    /// Before the last word is, which a read of another register of the controller pushes there.
    BeforeDataUntilRead,
}

impl Quirks {
    /// Posted writes, and nothing else.
    pub const POSTED: Self = Self { writes: Writes::Posted, completion: Completion::AfterData };

    /// Each quirk by itself.
    pub const EACH: [Self; 3] = [
        Self::POSTED,
        Self { writes: Writes::AtOnce, completion: Completion::BeforeData },
        Self { writes: Writes::AtOnce, completion: Completion::BeforeDataUntilRead },
    ];

    /// The verdict of an explorer that has no choice for them, if there is one to be made.
    pub(crate) fn refusal(self) -> Option<Verdict> {
        (self != Self::default()).then(|| {
            let message = format!("{self}: `explore::stepped` alone explores that, and nothing was run");
            Verdict::Inconclusive { message, executions: 0 }
        })
    }
}

impl Completion {
    /// Whether a flag may tell of what is not in memory.
    pub fn is_early(self) -> bool {
        self != Self::AfterData
    }
}

impl fmt::Display for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writes = (self.writes == Writes::Posted).then_some("posted writes");
        let completion = match self.completion {
            Completion::AfterData => None,
            Completion::BeforeData => Some("flag before data"),
            Completion::BeforeDataUntilRead => Some("flag before data, until a read"),
        };
        let parts: Vec<&str> = writes.into_iter().chain(completion).collect();
        f.pad(&if parts.is_empty() { "no quirk".to_owned() } else { parts.join("; ") })
    }
}
