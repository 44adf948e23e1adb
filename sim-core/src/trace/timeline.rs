//! A trace on the terminal: one lane for each master, time from top to bottom.
//!
//! Reads that repeat themselves while nothing else happens are shown once, with their number.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Entry, Record, Trace};
use crate::device::power::Step;
use crate::device::usbd::name_of;
use crate::device::{name_at, stm32f103};
use crate::memory::cache::Whim;
use crate::monitor::Site;
use crate::monitor::clocks::Access;

const CPU_WIDTH: usize = 40;
const DMA_WIDTH: usize = 36;

/// Who does it: where an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The driver.
    Cpu,
    /// The engine, or a channel.
    Dma,
    /// The host, or the peer.
    Host,
    /// Nobody: a rule was broken.
    Finding,
}

/// What is shown as one event.
pub(crate) struct Line {
    pub lane: Lane,
    text: String,
    nanoseconds: Option<u128>,
    /// The indices of the entries that it shows. More than one: a read that repeats itself.
    pub entries: Vec<usize>,
}

impl Line {
    /// What happened, and how often.
    pub fn what(&self) -> String {
        let Self { text, entries, .. } = self;
        if entries.len() > 1 { format!("{text} ({} times)", entries.len()) } else { text.clone() }
    }
}

/// What the three lanes are called.
pub(crate) fn heads(trace: &Trace) -> [&'static str; 3] {
    let is_serial = |entry: &Entry| match &entry.record {
        Record::Frame { .. } | Record::IdleLine { .. } | Record::Item { .. } => true,
        Record::Levels(levels) => levels.stm32f103.is_some(),
        _ => false,
    };
    let other = if trace.entries().iter().any(is_serial) { "PEER (wire)" } else { "HOST (wire)" };
    ["CPU (driver)", "DMA (engine)", other]
}

/// The trace as text, with colours. Print it with `anstream`, which leaves them out where they do not belong.
///
/// See [`Trace`] for an example.
pub fn render(trace: &Trace) -> String {
    render_beside(trace, |_| String::new())
}

/// As [`render`], and to the left of each line what `margin` says of its entries. The margin of the head is that of no
/// entry.
pub(crate) fn render_beside(trace: &Trace, mut margin: impl FnMut(&[usize]) -> String) -> String {
    let lines = fold(trace.entries());
    let mut text = String::new();
    let bold = Style::new().bold();
    let [cpu, dma, other] = heads(trace);
    let head = format!("{}{:>9}  {cpu:CPU_WIDTH$}  {dma:DMA_WIDTH$}  {other}", margin(&[]), "");
    let _ = writeln!(text, "{bold}{head}{bold:#}");
    for (number, line) in lines.iter().enumerate() {
        let when = line.nanoseconds.map_or_else(|| number.to_string(), |time| format!("{:.1} us", microseconds(time)));
        let (margin, what) = (margin(&line.entries), line.what());
        let (indent, colour) = match line.lane {
            Lane::Cpu => (0, AnsiColor::Cyan),
            Lane::Dma => (CPU_WIDTH + 2, AnsiColor::Yellow),
            Lane::Host => (CPU_WIDTH + DMA_WIDTH + 4, AnsiColor::Green),
            Lane::Finding => (0, AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let _ = writeln!(text, "{margin}{when:>9}  {:indent$}{style}{what}{style:#}", "");
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a time to be read by people, with one decimal")]
fn microseconds(nanoseconds: u128) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// The events of a trace, in order.
pub(crate) fn fold(entries: &[Entry]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // Where the reads begin that nothing has interrupted.
    let mut reads = 0;
    for (index, entry) in entries.iter().enumerate() {
        let Some((lane, text)) = describe(&entry.record) else {
            continue;
        };
        if !matches!(entry.record, Record::Read { .. } | Record::Peek { .. }) {
            reads = lines.len() + 1;
        } else if let Some(line) = lines.iter_mut().skip(reads).find(|line| line.text == text) {
            line.entries.push(index);
            continue;
        }
        lines.push(Line { lane, text, nanoseconds: entry.nanoseconds, entries: vec![index] });
    }
    lines
}

/// Where a record is shown, and how. The chip's levels are not: the records around them say why they change.
fn describe(record: &Record) -> Option<(Lane, String)> {
    let described = match record {
        Record::Read { offset, value } => (Lane::Cpu, format!("{} -> {value:#x}", name_of(*offset))),
        Record::Write { offset, value } => (Lane::Cpu, format!("{} <- {value:#x}", name_of(*offset))),
        Record::Peek { address, value } => (Lane::Cpu, format!("{} -> {value:#x}", name_at(*address))),
        Record::Poke { address, value } => (Lane::Cpu, format!("{} <- {value:#x}", name_at(*address))),
        Record::Posted { address, value } => (Lane::Cpu, format!("posts {} <- {value:#x}", name_at(*address))),
        Record::Release { range, fence } => {
            (Lane::Cpu, format!("release {:#x}, {} bytes ({fence})", range.start, range.len()))
        }
        Record::Acquire { range, fence } => {
            (Lane::Cpu, format!("acquire {:#x}, {} bytes ({fence})", range.start, range.len()))
        }
        Record::Snapshot { range, fence } => {
            (Lane::Cpu, format!("snapshot {:#x}, {} bytes ({fence})", range.start, range.len()))
        }
        Record::Fill { range, before, after } => {
            (Lane::Cpu, format!("fill {:#x}, {} bytes ({before}, {after})", range.start, range.len()))
        }
        Record::Upkeep { range, operation } => {
            (Lane::Cpu, format!("{operation} {:#x}, {} bytes", range.start, range.len()))
        }
        Record::Whim(Whim::WriteBack(line)) => (Lane::Cpu, format!("the cache writes the line at {line:#x} back")),
        Record::Whim(Whim::ReadAhead(line)) => (Lane::Cpu, format!("the cache reads the line at {line:#x} ahead")),
        Record::Touch { address, write } => {
            (Lane::Cpu, format!("{} {address:#x}", if *write { "write" } else { "read" }))
        }
        Record::Handler { running } => {
            (Lane::Cpu, if *running { "interrupt: the handler runs" } else { "the handler returns" }.to_owned())
        }
        Record::Sleep { asleep } => (Lane::Cpu, if *asleep { "sleeps (WFI)" } else { "wakes" }.to_owned()),
        Record::Captured { block, endpoint, range } => {
            (Lane::Dma, format!("{block}[{endpoint}] captured: {:#x}, {} bytes", range.start, range.len()))
        }
        Record::Beat { beat, bytes } => {
            let verb = if beat.access == Access::Read { "reads" } else { "writes" };
            let mut text = format!("{verb} {:#x}:", beat.range.start);
            for byte in &bytes[..beat.range.len()] {
                let _ = write!(text, " {byte:02x}");
            }
            (Lane::Dma, text)
        }
        Record::Item { site, range, access, value } => {
            let verb = if *access == Access::Read { "reads" } else { "writes" };
            let value = value.map_or("bus error".to_owned(), |value| format!("{value:#x}"));
            (Lane::Dma, format!("{} {verb} {}: {value}", channel(site), place(range.start)))
        }
        Record::HeldBack { site, range } => {
            (Lane::Dma, format!("{} is told of, {} bytes to come", moved(site), range.len()))
        }
        Record::Landed { site, range, bytes } => {
            let bytes: String = bytes.iter().map(|byte| format!(" {byte:02x}")).collect();
            (Lane::Dma, format!("{} is in {:#x}:{bytes}", moved(site), range.start))
        }
        Record::Frame { usart, to_host, frame, error } => {
            let arrow = if *to_host { "->" } else { "<-" };
            let error = error.map_or_else(String::new, |error| format!(" ({error:?} error)"));
            (Lane::Host, format!("USART{usart} {arrow} {}{error}", shown(*frame)))
        }
        Record::IdleLine { usart } => (Lane::Host, format!("USART{usart} <- idle")),
        Record::Ended { block, endpoint, amount } => (Lane::Dma, format!("END {block}[{endpoint}], AMOUNT {amount}")),
        Record::Ready => (Lane::Dma, "READY".to_owned()),
        Record::Supply(Step::Regulator) => (Lane::Dma, "the USB regulator has settled".to_owned()),
        Record::Supply(Step::Crystal) => (Lane::Dma, "HFXO runs".to_owned()),
        Record::BusReset => (Lane::Host, "bus reset".to_owned()),
        Record::StartOfFrame(frame) => (Lane::Host, format!("SOF {frame}")),
        Record::Suspend => (Lane::Host, "suspend".to_owned()),
        Record::Resume => (Lane::Host, "resume".to_owned()),
        Record::Cable { plugged } => (Lane::Host, if *plugged { "plugged in" } else { "cable pulled" }.to_owned()),
        Record::Transaction { address, endpoint, token, answer, fault } => {
            let endpoint = if *endpoint == 0 { String::new() } else { format!(".{endpoint}") };
            let fault = fault.map_or_else(String::new, |fault| format!(" ({fault})"));
            (Lane::Host, format!("@{address}{endpoint} {token}: {answer}{fault}"))
        }
        Record::Isochronous { address, to_host, bytes, fault } => {
            let token = if *to_host { "IN" } else { "OUT" };
            let packet = bytes.as_ref().map_or("no answer".to_owned(), |bytes| format!("{} bytes", bytes.len()));
            let fault = fault.map_or_else(String::new, |fault| format!(" ({fault})"));
            (Lane::Host, format!("@{address}.8 isochronous {token}: {packet}{fault}"))
        }
        Record::Violation(rule) => (Lane::Finding, format!("!! {rule}")),
        Record::Levels(_) => return None,
    };
    Some(described)
}

/// `DMA1.5 item 0`.
fn channel(site: &Site) -> String {
    match site {
        Site::Channel { controller, channel, item } => format!("DMA{controller}.{channel} item {item}"),
        other => other.to_string(),
    }
}

/// `DMA1.5 item 0`, `EPOUT[1] beat 0`.
fn moved(site: &Site) -> String {
    match site {
        Site::Dma { block, endpoint, beat } => format!("{block}[{endpoint}] beat {beat}"),
        other => channel(other),
    }
}

/// A register's name, or an address in memory.
fn place(address: u32) -> String {
    match stm32f103::place_of(address) {
        Some(_) => name_at(address),
        None => format!("{address:#x}"),
    }
}

/// A frame, as a character if it is one.
fn shown(frame: u16) -> String {
    let character = u8::try_from(frame).ok().filter(u8::is_ascii_graphic).map(char::from);
    character.map_or_else(|| format!("{frame:#04x}"), |character| format!("{frame:#04x} {character:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::stm32f103::usart::FrameError;
    use crate::device::usbd::{Answer, Token};
    use crate::machine::Strength;
    use crate::trace::Keep;

    fn plain(records: Vec<Record>) -> String {
        let mut trace = Trace::new(Keep::Order);
        for record in records {
            trace.note(None, || record);
        }
        anstream::adapter::strip_str(&render(&trace)).to_string()
    }

    #[test]
    fn poll_is_shown_once_with_its_number() {
        let poll = |offset| Record::Read { offset, value: 0 };
        let text = plain(vec![poll(0x100), poll(0x128), poll(0x100), poll(0x128), Record::BusReset, poll(0x100)]);
        assert_eq!(text.matches("EVENTS_USBRESET -> 0x0 (2 times)").count(), 1, "{text}");
        assert_eq!(text.matches("EVENTS_EP0DATADONE -> 0x0 (2 times)").count(), 1, "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
    }

    #[test]
    fn endpoint_is_shown_where_it_is_not_the_first() {
        let nak =
            |endpoint| Record::Transaction { address: 5, endpoint, token: Token::In, answer: Answer::Nak, fault: None };
        let text = plain(vec![nak(0), nak(3)]);
        assert!(text.contains("@5 IN: NAK") && text.contains("@5.3 IN: NAK"), "{text}");
    }

    /// The lines below the head, each without its time and its indent.
    fn lines(records: Vec<Record>) -> Vec<String> {
        plain(records).lines().skip(1).map(|line| line[11..].trim_start().to_owned()).collect()
    }

    #[test]
    fn registers_of_an_stm32_have_the_manuals_names() {
        let shown = lines(vec![
            Record::Poke { address: 0x4002_0044, value: 0x91 },
            Record::Peek { address: 0x4002_0000, value: 0x7000 },
            Record::Poke { address: 0x4002_0408, value: 0 },
            Record::Peek { address: 0x4001_3800, value: 0xC0 },
            Record::Poke { address: 0x4000_4404, value: 0x41 },
        ]);
        let expected =
            ["DMA1.CCR4 <- 0x91", "DMA1.ISR -> 0x7000", "DMA2.CCR1 <- 0x0", "USART1.SR -> 0xc0", "USART2.DR <- 0x41"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn poll_of_an_stm32s_register_is_shown_once_until_something_else_happens() {
        let poll = Record::Peek { address: 0x4002_0000, value: 0 };
        let frame = Record::Frame { usart: 1, to_host: true, frame: 0x41, error: None };
        let shown = lines(vec![poll.clone(), poll.clone(), poll.clone(), frame, poll]);
        assert_eq!(shown, ["DMA1.ISR -> 0x0 (3 times)", "USART1 -> 0x41 'A'", "DMA1.ISR -> 0x0"]);
    }

    #[test]
    fn item_is_shown_with_its_channel_and_both_of_its_accesses() {
        let item = |range, access, value| {
            let site = Site::Channel { controller: 1, channel: 5, item: 3 };
            Record::Item { site, range, access, value }
        };
        let (dr, ram) = (0x4001_3804..0x4001_3805, 0x2000_C003..0x2000_C004);
        let shown = lines(vec![
            item(dr, Access::Read, Some(0x64)),
            item(ram.clone(), Access::Write, Some(0x64)),
            item(ram, Access::Write, None),
        ]);
        let expected = [
            "DMA1.5 item 3 reads USART1.DR: 0x64",
            "DMA1.5 item 3 writes 0x2000c003: 0x64",
            "DMA1.5 item 3 writes 0x2000c003: bus error",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_on_its_way_is_shown_when_it_leaves_and_when_it_arrives() {
        let (address, value) = (0x4002_0058, 0);
        let channel = Site::Channel { controller: 1, channel: 5, item: 1 };
        let engine = Site::Dma { block: "EPOUT", endpoint: 1, beat: 2 };
        let shown = lines(vec![
            Record::Posted { address, value },
            Record::Poke { address, value },
            Record::HeldBack { site: channel, range: 0x2000_C001..0x2000_C002 },
            Record::Landed { site: channel, range: 0x2000_C001..0x2000_C002, bytes: [0x64].into() },
            Record::HeldBack { site: engine, range: 0x2002_0008..0x2002_000A },
        ]);
        let expected = [
            "posts DMA1.CCR5 <- 0x0",
            "DMA1.CCR5 <- 0x0",
            "DMA1.5 item 1 is told of, 1 bytes to come",
            "DMA1.5 item 1 is in 0x2000c001: 64",
            "EPOUT[1] beat 2 is told of, 2 bytes to come",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn frames_of_a_line_are_the_peers_with_their_direction_and_error() {
        let frame = |to_host, frame, error| Record::Frame { usart: 3, to_host, frame, error };
        let shown = lines(vec![
            frame(true, 0x7E, None),
            frame(false, 0x20, None),
            frame(false, 0x1AB, None),
            frame(false, 0x61, Some(FrameError::Parity)),
            Record::IdleLine { usart: 3 },
        ]);
        let expected = [
            "USART3 -> 0x7e '~'",
            "USART3 <- 0x20",
            "USART3 <- 0x1ab",
            "USART3 <- 0x61 'a' (Parity error)",
            "USART3 <- idle",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn lane_of_the_wire_is_named_after_who_is_there() {
        let head = |record| plain(vec![record]).lines().next().expect("it has a head").to_owned();
        assert!(head(Record::BusReset).ends_with("  HOST (wire)"));
        assert!(head(Record::IdleLine { usart: 1 }).ends_with("  PEER (wire)"));
    }

    #[test]
    fn memory_changes_hands_with_its_fences_in_the_cpus_lane() {
        let range = 0x2000_C000..0x2000_C003;
        let shown = lines(vec![
            Record::Fill { range: range.clone(), before: Strength::Full, after: Strength::None },
            Record::Snapshot { range: range.clone(), fence: Strength::Compiler },
            Record::Release { range: range.clone(), fence: Strength::Full },
            Record::Acquire { range, fence: Strength::None },
        ]);
        let expected = [
            "fill 0x2000c000, 3 bytes (fence, none)",
            "snapshot 0x2000c000, 3 bytes (compiler_fence)",
            "release 0x2000c000, 3 bytes (fence)",
            "acquire 0x2000c000, 3 bytes (none)",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn handler_and_sleep_are_the_cpus() {
        let (asleep, running) = (true, true);
        let text = plain(vec![
            Record::Sleep { asleep },
            Record::Handler { running },
            Record::Handler { running: !running },
            Record::Sleep { asleep: !asleep },
        ]);
        let shown: Vec<&str> = text.lines().skip(1).map(|line| &line[11..]).collect();
        assert_eq!(shown, ["sleeps (WFI)", "interrupt: the handler runs", "the handler returns", "wakes"], "{text}");
    }

    fn column_of(word: &str, text: &str) -> usize {
        let line = text.lines().find(|line| line.contains(word)).expect("it is shown");
        line.find(word).expect("it is in the line")
    }

    #[test]
    fn masters_have_a_lane_each() {
        let columns = [11, 11 + CPU_WIDTH + 2, 11 + CPU_WIDTH + DMA_WIDTH + 4];
        let text = plain(vec![Record::Write { offset: 0x500, value: 1 }, Record::Ready, Record::BusReset]);
        assert_eq!(["ENABLE <- 0x1", "READY", "bus reset"].map(|word| column_of(word, &text)), columns);
        let site = Site::Channel { controller: 2, channel: 1, item: 0 };
        let item = Record::Item { site, range: 0..1, access: Access::Read, value: Some(0) };
        let text = plain(vec![Record::Poke { address: 0x4002_0400, value: 0 }, item, Record::IdleLine { usart: 1 }]);
        assert_eq!(["DMA2.ISR", "DMA2.1", "USART1"].map(|word| column_of(word, &text)), columns);
    }
}
