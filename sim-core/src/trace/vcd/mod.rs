//! A trace as waveforms, for GTKWave, Surfer and the like: a value change dump (IEEE 1364).
//!
//! | signal | what it is |
//! |---|---|
//! | `TASKS_*` | a pulse where the driver writes 1; a task that a shortcut triggers shows by what it does |
//! | `EVENTS_*`, `interrupt` | the levels of the chip |
//! | `handler`, `asleep` | the CPU is in its interrupt handler, or in WFI |
//! | `EPIN[n].PTR`, `.MAXCNT` | as the driver has written them |
//! | `EPIN[n].AMOUNT` | from END on |
//! | `DMA.busy` | a transfer runs: between START and END |
//! | `DMA.address` | of the beat that was moved last |
//! | `wire.token`, `wire.answer` | the transaction, or `reset`, or `idle` |
//!
//! EPOUT as EPIN. Those of an STM32F103 are in `stm32f103`, but for `interrupt`, `handler` and `asleep`:
//!
//! | signal | what it is |
//! |---|---|
//! | `DMA1.busy4` | channel 4 is enabled and has items left, or one in flight |
//! | `DMA1.CNDTR4`, `.TCIF4`, `.HTIF4`, `.TEIF4` | the channel's items left, its flags |
//! | `DMA1.CCR4`, `.CPAR4`, `.CMAR4` | as the driver has written them |
//! | `DMA1.channel`, `.address` | of the access that was made last |
//! | `USART1.TX`, `.RX` | the frame on the line, high impedance where there is none |
//! | `USART1.TXE`, and whatever SR has | the flags |
//! | `USART1.CR1`, `.BRR` and so on | as the driver has written them |
//!
//! A frame is shown without its stop bit, so that equal ones stay apart. A signal that never changes is left out.
//! [`time`] says what the times mean. The text of the two `wire` signals is an extension of the format (`$var string`)
//! that the viewers above know.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use dma_api::nrf52840::usbd::map;
use vcd::{IdCode, ReferenceIndex, SimulationCommand, TimescaleUnit, Value, VarType, Writer};

use super::{Entry, Levels, Record, Trace, time};
use crate::device::usbd::{Answer, name_of};

mod stm32f103;

/// The bits of a frame on a serial line, at most.
const FRAME_BITS: u32 = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Signal {
    Interrupt,
    Handler,
    Asleep,
    /// The register at this offset: a task, an event, or one of EasyDMA's.
    Register(u16),
    DmaBusy,
    DmaAddress,
    Token,
    Answer,
    Stm32f103(stm32f103::Signal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Bit(bool),
    Word(u32),
    /// Nine bits, or none.
    Frame(Option<u16>),
    Text(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Change {
    time_ns: u64,
    signal: Signal,
    level: Level,
}

/// Writes what `trace` holds of the signals above.
///
/// ```
/// # use sim_core::check::programs::Exchange;
/// # use sim_core::explore::threads;
/// # use sim_core::trace::{Keep, vcd};
/// let trace = threads::run(&Exchange::new(1), Some(Keep::Order)).trace;
/// let mut file = Vec::new();
/// vcd::write(&trace, &mut file).unwrap();
/// assert!(String::from_utf8(file).unwrap().contains("$timescale"));
/// ```
///
/// # Errors
///
/// Those of `out`.
pub fn write(trace: &Trace, out: impl Write) -> io::Result<()> {
    let changes = changes(trace);
    let mut writer = Writer::new(out);
    writer.version(concat!("dmacheck ", env!("CARGO_PKG_VERSION")))?;
    writer.timescale(1, TimescaleUnit::NS)?;
    let mut signals = declare(&mut writer, &changes)?;
    let mut now = 0;
    writer.timestamp(now)?;
    writer.begin(SimulationCommand::Dumpvars)?;
    for (signal, (id, _)) in &signals {
        write_level(&mut writer, *id, signal.at_first())?;
    }
    writer.end()?;
    for Change { time_ns, signal, level } in changes {
        let Some((id, shown)) = signals.get_mut(&signal).filter(|(_, shown)| *shown != level) else {
            continue;
        };
        if now != time_ns {
            now = time_ns;
            writer.timestamp(now)?;
        }
        *shown = level;
        write_level(&mut writer, *id, level)?;
    }
    // The last level lasts as long as the run.
    if let Some(end) = time::spans(trace).last().map(|span| span.end).filter(|end| *end > now) {
        writer.timestamp(end)?;
    }
    Ok(())
}

/// Declares the signals that change, each in its scope.
fn declare(writer: &mut Writer<impl Write>, changes: &[Change]) -> io::Result<BTreeMap<Signal, (IdCode, Level)>> {
    let differ = changes.iter().filter(|change| change.level != change.signal.at_first());
    let used: BTreeSet<Signal> = differ.map(|change| change.signal).collect();
    let used: Vec<Signal> = used.into_iter().collect();
    let mut declared = BTreeMap::new();
    let is_stm32f103 = used.iter().any(|signal| matches!(signal, Signal::Stm32f103(_)));
    writer.add_module(if is_stm32f103 { "stm32f103" } else { "usbd" })?;
    for group in used.chunk_by(|one, next| one.scope() == next.scope()) {
        let scope = group[0].scope();
        if let Some(scope) = &scope {
            writer.add_module(scope)?;
        }
        for signal in group {
            let (name, index) = signal.name();
            let (kind, width) = match signal.at_first() {
                Level::Bit(_) => (VarType::Wire, 1),
                Level::Word(_) => (VarType::Wire, 32),
                Level::Frame(_) => (VarType::Wire, FRAME_BITS),
                Level::Text(_) => (VarType::String, 1),
            };
            declared.insert(*signal, (writer.add_var(kind, width, &name, index)?, signal.at_first()));
        }
        if scope.is_some() {
            writer.upscope()?;
        }
    }
    writer.upscope()?;
    writer.enddefinitions()?;
    Ok(declared)
}

fn write_level(writer: &mut Writer<impl Write>, id: IdCode, level: Level) -> io::Result<()> {
    match level {
        Level::Bit(bit) => writer.change_scalar(id, bit),
        Level::Word(word) => writer.change_vector(id, (0..32).rev().map(|bit| Value::from(word >> bit & 1 == 1))),
        Level::Frame(Some(frame)) => {
            let bits = (0..FRAME_BITS).rev().map(|bit| Value::from(frame >> bit & 1 == 1));
            writer.change_vector(id, bits)
        }
        Level::Frame(None) => writer.change_vector(id, (0..FRAME_BITS).map(|_| Value::Z)),
        Level::Text(text) => writer.change_string(id, text),
    }
}

impl Signal {
    fn at_first(self) -> Level {
        match self {
            Self::Register(offset) if !is_task(offset) && !is_event(offset) => Level::Word(0),
            Self::Interrupt | Self::Handler | Self::Asleep | Self::Register(_) | Self::DmaBusy => Level::Bit(false),
            Self::DmaAddress => Level::Word(0),
            Self::Token | Self::Answer => Level::Text("idle"),
            Self::Stm32f103(signal) => signal.at_first(),
        }
    }

    /// The scope below the top: that of an endpoint is the datasheet's, `EPIN[0]`.
    fn scope(self) -> Option<String> {
        match self {
            Self::Interrupt | Self::Handler | Self::Asleep => None,
            Self::Register(offset) => name_of(offset).split_once('.').map(|(block, _)| block.to_owned()),
            Self::DmaBusy | Self::DmaAddress => Some("DMA".to_owned()),
            Self::Token | Self::Answer => Some("wire".to_owned()),
            Self::Stm32f103(signal) => Some(signal.scope()),
        }
    }

    /// Name and index: `EVENTS_ENDEPIN` and 0.
    fn name(self) -> (String, Option<ReferenceIndex>) {
        let text = match self {
            Self::Interrupt => "interrupt".to_owned(),
            Self::Handler => "handler".to_owned(),
            Self::Asleep => "asleep".to_owned(),
            Self::Register(offset) => name_of(offset),
            Self::DmaBusy => "busy".to_owned(),
            Self::DmaAddress => "address".to_owned(),
            Self::Token => "token".to_owned(),
            Self::Answer => "answer".to_owned(),
            Self::Stm32f103(signal) => signal.name(),
        };
        let text = text.rsplit('.').next().unwrap_or_default();
        let bracket = text.find('[').unwrap_or(text.len());
        let (name, index) = text.split_at(bracket);
        (name.to_owned(), index.parse().ok())
    }
}

fn is_task(offset: u16) -> bool {
    offset < map::events_usbreset()
}

fn is_event(offset: u16) -> bool {
    (map::events_usbreset()..map::shorts()).contains(&offset)
}

/// PTR and MAXCNT of some endpoint, isochronous ones included.
fn is_easydma(offset: u16) -> bool {
    (map::epin_ptr(0)..=map::isoout_amount()).contains(&offset)
}

/// What changes, when; not in every case to something else.
fn changes(trace: &Trace) -> Vec<Change> {
    let mut changes = Changes::default();
    for (entry, span) in trace.entries().iter().zip(time::spans(trace)) {
        changes.follow(entry, span.start, span.end);
    }
    changes.list
}

#[derive(Debug, Default)]
struct Changes {
    list: Vec<Change>,
    levels: Levels,
}

impl Changes {
    fn push(&mut self, time_ns: u64, signal: Signal, level: Level) {
        self.list.push(Change { time_ns, signal, level });
    }

    fn follow(&mut self, entry: &Entry, start: u64, end: u64) {
        match &entry.record {
            Record::Write { offset, value } if is_task(*offset) && *value & 1 != 0 => {
                let task = Signal::Register(*offset);
                self.push(start, task, Level::Bit(true));
                // Back at 0 before the next entry: that may be the same task.
                self.push(start.midpoint(end), task, Level::Bit(false));
            }
            Record::Write { offset, value } if is_easydma(*offset) => {
                self.push(start, Signal::Register(*offset), Level::Word(*value));
            }
            Record::Handler { running } => self.push(start, Signal::Handler, Level::Bit(*running)),
            Record::Sleep { asleep } => self.push(start, Signal::Asleep, Level::Bit(*asleep)),
            Record::Beat { beat, .. } => self.push(start, Signal::DmaAddress, Level::Word(beat.range.start)),
            Record::Ended { block, endpoint, amount } => {
                let name = format!("{block}[{endpoint}].AMOUNT");
                let amount = u32::try_from(*amount).unwrap_or(u32::MAX);
                if let Some(offset) = easydma_offset(&name) {
                    self.push(start, Signal::Register(offset), Level::Word(amount));
                }
            }
            Record::BusReset => self.on_wire(start, end, "reset", "idle"),
            Record::Transaction { token, answer, .. } => self.on_wire(start, end, token.name(), answer_name(answer)),
            Record::Isochronous { to_host, bytes, .. } => {
                let answer = if bytes.is_some() { "DATA0" } else { "none" };
                self.on_wire(start, end, if *to_host { "IN" } else { "OUT" }, answer);
            }
            Record::Levels(levels) => self.on_levels(start, *levels),
            record => self.follow_stm32f103(record, start, end),
        }
    }

    fn on_wire(&mut self, start: u64, end: u64, token: &'static str, answer: &'static str) {
        for (time_ns, token, answer) in [(start, token, answer), (end, "idle", "idle")] {
            self.push(time_ns, Signal::Token, Level::Text(token));
            self.push(time_ns, Signal::Answer, Level::Text(answer));
        }
    }

    fn on_levels(&mut self, time_ns: u64, levels: Levels) {
        let before = std::mem::replace(&mut self.levels, levels);
        for bit in 0..32_u16 {
            if (levels.events ^ before.events) >> bit & 1 == 1 {
                let event = Signal::Register(map::events_usbreset() + 4 * bit);
                self.push(time_ns, event, Level::Bit(levels.events >> bit & 1 == 1));
            }
        }
        if levels.interrupt != before.interrupt {
            self.push(time_ns, Signal::Interrupt, Level::Bit(levels.interrupt));
        }
        if let Some(stm32f103) = levels.stm32f103 {
            // Which of its channels are busy is among these.
            self.on_stm32f103_levels(time_ns, &before.stm32f103.unwrap_or_default(), &stm32f103);
        } else if levels.dma != before.dma {
            self.push(time_ns, Signal::DmaBusy, Level::Bit(levels.dma));
        }
    }
}

/// The EasyDMA register of this name.
fn easydma_offset(name: &str) -> Option<u16> {
    (map::epin_ptr(0)..=map::isoout_amount()).step_by(4).find(|offset| name_of(*offset) == name)
}

fn answer_name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Silence => "none",
        Answer::Ack => "ACK",
        Answer::Nak => "NAK",
        Answer::Stall => "STALL",
        Answer::Data { data1: false, .. } => "DATA0",
        Answer::Data { data1: true, .. } => "DATA1",
    }
}

#[cfg(test)]
mod tests;
