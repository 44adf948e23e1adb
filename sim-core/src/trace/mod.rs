//! What happened, in order: register accesses, fences, DMA beats, tokens.
//!
//! A trace is kept by the chip's owner, one entry an event; [`timeline`] renders it for a terminal.

use std::ops::Range;
use std::panic::Location;
use std::time::Instant;

use crate::device::usbd::{Answer, Token};
use crate::engine::Beat;
use crate::host::Fault;
use crate::machine::Strength;
use crate::monitor::Rule;

pub mod timeline;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The CPU read a register.
    Read {
        /// The register.
        offset: u16,
        /// What it gave.
        value: u32,
    },
    /// The CPU wrote a register.
    Write {
        /// The register.
        offset: u16,
        /// What was written.
        value: u32,
    },
    /// The CPU gave a buffer to the DMA.
    Release {
        /// Its addresses.
        range: Range<u32>,
        /// With this fence.
        fence: Strength,
    },
    /// The CPU took a buffer back.
    Acquire {
        /// Its addresses.
        range: Range<u32>,
        /// With this fence.
        fence: Strength,
    },
    /// The CPU touched simulated RAM.
    Touch {
        /// The address.
        address: u32,
        /// Whether it was written.
        write: bool,
    },
    /// The chip has captured PTR and MAXCNT.
    Captured {
        /// `EPIN` or `EPOUT`.
        block: &'static str,
        /// The endpoint's number.
        endpoint: usize,
        /// The addresses.
        range: Range<u32>,
    },
    /// The engine moved a word.
    Beat {
        /// Which.
        beat: Beat,
        /// The bytes, four at most.
        bytes: [u8; 4],
    },
    /// The transfer has ended.
    Ended {
        /// `EPIN` or `EPOUT`.
        block: &'static str,
        /// The endpoint's number.
        endpoint: usize,
        /// AMOUNT.
        amount: usize,
    },
    /// The peripheral has powered up.
    Ready,
    /// The host reset the bus.
    BusReset,
    /// The host began a frame: SOF.
    StartOfFrame(u16),
    /// The host left the bus idle.
    Suspend,
    /// The host drove resume.
    Resume,
    /// The cable was plugged in, or pulled.
    Cable {
        /// Whether it is plugged in now.
        plugged: bool,
    },
    /// The host sent a token, the device answered.
    Transaction {
        /// The device's address.
        address: u8,
        /// The endpoint.
        endpoint: u8,
        /// The token.
        token: Token,
        /// The device's answer, before anything happened to it.
        answer: Answer,
        /// What happened on the wire.
        fault: Option<Fault>,
    },
    /// An isochronous packet, which nobody acknowledges.
    Isochronous {
        /// The device's address.
        address: u8,
        /// Whether it went to the host.
        to_host: bool,
        /// The packet; `None` if the device sent none.
        bytes: Option<Box<[u8]>>,
        /// What happened on the wire.
        fault: Option<Fault>,
    },
    /// A rule was broken.
    Violation(Rule),
}

/// A record, with its time and place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub record: Record,
    /// Nanoseconds since the trace was started, for a trace that keeps time.
    pub nanoseconds: Option<u128>,
    /// The driver's line, for what the CPU did.
    pub site: Option<&'static Location<'static>>,
}

/// The record of one run.
#[derive(Debug, Default)]
pub struct Trace {
    enabled: bool,
    started: Option<Instant>,
    entries: Vec<Entry>,
}

impl Trace {
    /// A trace that keeps nothing, one that keeps the order, or one that keeps wall-clock time as well.
    pub fn new(keep: Keep) -> Self {
        Self { enabled: keep != Keep::Nothing, started: (keep == Keep::Time).then(Instant::now), entries: Vec::new() }
    }

    /// Notes what `record` makes; it is not called when nothing is kept.
    pub fn note(&mut self, site: Option<&'static Location<'static>>, record: impl FnOnce() -> Record) {
        if self.enabled {
            let nanoseconds = self.started.map(|started| started.elapsed().as_nanos());
            self.entries.push(Entry { record: record(), nanoseconds, site });
        }
    }

    /// What happened, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// What a trace keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Keep {
    /// Nothing: for speed.
    #[default]
    Nothing,
    /// What happened, in order.
    Order,
    /// What happened, with wall-clock time.
    Time,
}
