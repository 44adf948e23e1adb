//! What happened, in order: register accesses, fences, DMA beats, tokens.
//!
//! A trace is kept by the chip's owner, one entry an event. [`timeline`] renders it for a terminal, [`pcapng`] for
//! Wireshark, [`vcd`] for a waveform viewer.

use std::ops::Range;
use std::panic::Location;
use std::time::Instant;

use dma_api::stm32f103::usart::map::sr;

use crate::device::power::Step;
use crate::device::stm32f103::usart::FrameError;
use crate::device::usbd::{Answer, Token};
use crate::engine::Beat;
use crate::host::Fault;
use crate::machine::Strength;
use crate::memory::cache::{Operation, Whim};
use crate::monitor::clocks::Access;
use crate::monitor::{Rule, Site};

pub mod pcapng;
pub mod time;
pub mod timeline;
pub mod vcd;
pub mod wire;

/// One thing that happened.
///
/// See [`Trace`] for an example.
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
    /// The CPU read a register of another peripheral than USBD.
    Peek {
        /// Its address.
        address: u32,
        /// What it gave.
        value: u32,
    },
    /// The CPU wrote a register of another peripheral than USBD.
    Poke {
        /// Its address.
        address: u32,
        /// What was written.
        value: u32,
    },
    /// The CPU wrote a register of any peripheral; the write is on its way, and takes effect as a `Write` or `Poke`.
    Posted {
        /// Its address.
        address: u32,
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
    /// The CPU copied memory that is the DMA's.
    Snapshot {
        /// Its addresses.
        range: Range<u32>,
        /// With this fence.
        fence: Strength,
    },
    /// The CPU filled memory that is the DMA's.
    Fill {
        /// Its addresses.
        range: Range<u32>,
        /// With this fence before it.
        before: Strength,
        /// And this one behind it.
        after: Strength,
    },
    /// The CPU maintained the lines of its data cache.
    Upkeep {
        /// The addresses that it named.
        range: Range<u32>,
        /// What was done to their lines.
        operation: Operation,
    },
    /// The data cache did something by itself.
    Whim(Whim),
    /// The CPU touched simulated RAM.
    Touch {
        /// The address.
        address: u32,
        /// Whether it was written.
        write: bool,
    },
    /// The CPU entered its interrupt handler, or left it.
    Handler {
        /// Whether it runs from here on.
        running: bool,
    },
    /// The CPU fell asleep (WFI), or woke.
    Sleep {
        /// Whether it sleeps from here on.
        asleep: bool,
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
    /// A channel of an STM32's DMA has read an item, or written it.
    Item {
        /// Which.
        site: Site,
        /// Where.
        range: Range<u32>,
        /// Read or written.
        access: Access,
        /// The value; `None` if the bus had an error for an answer.
        value: Option<u32>,
    },
    /// The DMA has done its last access, as far as registers tell: the bytes are on their way.
    HeldBack {
        /// Which.
        site: Site,
        /// Where to.
        range: Range<u32>,
    },
    /// They are in memory.
    Landed {
        /// Which.
        site: Site,
        /// Where.
        range: Range<u32>,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// A frame has gone over a serial line.
    Frame {
        /// The USART's number, from 1.
        usart: usize,
        /// Whether the USART has sent it.
        to_host: bool,
        /// Its bits.
        frame: u16,
        /// What was wrong with it.
        error: Option<FrameError>,
    },
    /// A serial line was idle for a frame.
    IdleLine {
        /// The USART's number, from 1.
        usart: usize,
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
    /// The regulator has settled, or the crystal runs.
    Supply(Step),
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
    /// What the chip shows has changed.
    Levels(Levels),
}

/// What the chip shows to the outside, from one change to the next.
///
/// See [`Trace`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// The events that are 1, each at its bit of INTEN.
    pub events: u32,
    /// The interrupt line.
    pub interrupt: bool,
    /// A transfer runs: between START and END, or on a channel of an STM32's.
    pub dma: bool,
    /// What else there is of an STM32F103.
    pub stm32f103: Option<Stm32f103Levels>,
}

/// What an STM32F103's DMA and USARTs show. Controllers, channels and USARTs by index, from 0.
///
/// See [`Trace`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stm32f103Levels {
    /// The channels of each controller with items left, or one in flight: a bit each.
    pub busy: [u32; 2],
    /// ISR of each controller.
    pub isr: [u32; 2],
    /// CNDTR of each channel of each controller.
    pub cndtr: [[u32; 7]; 2],
    /// SR of each USART.
    pub sr: [u32; 3],
}

impl Default for Stm32f103Levels {
    /// Out of reset: the USARTs have nothing to send (SR: TC and TXE).
    fn default() -> Self {
        let sr = sr::TC.mask() | sr::TXE.mask();
        Self { busy: [0; 2], isr: [0; 2], cndtr: [[0; 7]; 2], sr: [sr; 3] }
    }
}

/// A record, with its time and place.
///
/// See [`Trace`] for an example.
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
///
/// ```
/// # use sim_core::check::programs::BackToBack;
/// # use sim_core::explore::threads;
/// # use sim_core::machine::Fences;
/// # use sim_core::trace::{Keep, timeline};
/// let program = BackToBack { packets: 1, length: 2, fences: Fences::default() };
/// let trace = threads::run(&program, Some(Keep::Order)).trace;
/// assert!(trace.entries().len() > 10);
/// assert!(timeline::render(&trace).contains("TASKS_STARTEPIN[0] <- 0x1"));
/// ```
#[derive(Debug, Default)]
pub struct Trace {
    enabled: bool,
    started: Option<Instant>,
    entries: Vec<Entry>,
    /// As noted last. Out of reset, all are 0, and of an STM32F103 nothing was noted.
    levels: Levels,
}

impl Trace {
    /// A trace that keeps nothing, one that keeps the order, or one that keeps wall-clock time as well.
    pub fn new(keep: Keep) -> Self {
        let started = (keep == Keep::Time).then(Instant::now);
        Self { enabled: keep != Keep::Nothing, started, ..Self::default() }
    }

    /// Whether anything is kept.
    pub fn keeps(&self) -> bool {
        self.enabled
    }

    /// Notes what `record` makes; it is not called when nothing is kept.
    #[inline]
    pub fn note(&mut self, site: Option<&'static Location<'static>>, record: impl FnOnce() -> Record) {
        if self.enabled {
            self.keep(site, record);
        }
    }

    /// Out of line: who keeps nothing is in a hurry.
    #[cold]
    fn keep(&mut self, site: Option<&'static Location<'static>>, record: impl FnOnce() -> Record) {
        let nanoseconds = self.started.map(|started| started.elapsed().as_nanos());
        self.entries.push(Entry { record: record(), nanoseconds, site });
    }

    /// Notes what the chip shows now, if that has changed; `levels` is not called when nothing is kept.
    #[inline]
    pub fn note_levels(&mut self, levels: impl FnOnce() -> Levels) {
        if !self.enabled {
            return;
        }
        let levels = levels();
        if levels != self.levels {
            self.levels = levels;
            self.note(None, || Record::Levels(levels));
        }
    }

    /// What happened, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// What a trace keeps.
///
/// See [`Trace`] for an example.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(trace: &mut Trace, events: u32) {
        trace.note_levels(|| Levels { events, ..Levels::default() });
    }

    #[test]
    fn levels_are_noted_when_they_change() {
        let mut trace = Trace::new(Keep::Order);
        [0, 1, 1, 3].into_iter().for_each(|events| levels(&mut trace, events));
        let noted = trace.entries().iter().map(|entry| match &entry.record {
            Record::Levels(levels) => levels.events,
            other => panic!("{other:?}"),
        });
        assert_eq!(noted.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn trace_that_keeps_nothing_asks_for_nothing() {
        let mut trace = Trace::new(Keep::Nothing);
        trace.note(None, || panic!("it is not kept"));
        trace.note_levels(|| panic!("it is not kept"));
        assert!(trace.entries().is_empty());
    }
}
