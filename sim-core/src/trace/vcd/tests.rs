//! Dumps, read back with the parser of the `vcd` crate.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use vcd::{Command, Header, Parser, ScopeItem};

use super::*;
use crate::check::interrupt::InterruptDevice;
use crate::check::programs::{Device, Try, connect};
use crate::engine::Beat;
use crate::explore::scheduler::{Immediate, Seeded};
use crate::explore::{Program, stepped, threads};
use crate::monitor::Site;
use crate::monitor::clocks::Access;
use crate::soc::{Config, Soc};
use crate::trace::Keep;

/// A dump: who is who, and each change with its time.
pub(super) struct Dump {
    header: Header,
    changes: Vec<(u64, IdCode, String)>,
}

impl Dump {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut file = Vec::new();
        write(trace, &mut file).expect("a vector takes all");
        let mut parser = Parser::new(&file[..]);
        let header = parser.parse_header().expect("it is a dump");
        let (mut now, mut changes) = (None, Vec::new());
        for command in parser {
            match command.expect("it is a dump") {
                Command::Timestamp(time) => {
                    assert!(now.is_none_or(|before| before < time), "time falls from {now:?} to {time}");
                    now = Some(time);
                }
                Command::ChangeScalar(id, value) => changes.push((now.expect("time first"), id, value.to_string())),
                Command::ChangeVector(id, value) => changes.push((now.expect("time first"), id, value.to_string())),
                Command::ChangeString(id, value) => changes.push((now.expect("time first"), id, value)),
                _ => {}
            }
        }
        Self { header, changes }
    }

    /// The signal of this name: `EVENTS_ENDEPIN[0]` is in the top scope, `DMA.busy` one below.
    pub(super) fn find(&self, name: &str) -> Option<IdCode> {
        let (scope, name) = name.rsplit_once('.').unwrap_or(("", name));
        let path: Vec<&str> = [self.top(), scope].into_iter().filter(|part| !part.is_empty()).collect();
        self.header.find_scope(&path)?.items.iter().find_map(|item| match item {
            ScopeItem::Var(var) => {
                let index = var.index.map_or(String::new(), |index| index.to_string());
                (format!("{}{index}", var.reference) == name).then_some(var.code)
            }
            _ => None,
        })
    }

    /// The name of the top scope.
    pub(super) fn top(&self) -> &str {
        let mut scopes = self.header.items.iter().filter_map(|item| match item {
            ScopeItem::Scope(scope) => Some(&scope.identifier[..]),
            _ => None,
        });
        scopes.next().expect("there is one")
    }

    /// The changes of a signal.
    pub(super) fn of_signal(&self, name: &str) -> Vec<(u64, &str)> {
        let id = self.find(name).unwrap_or_else(|| panic!("{name} is declared"));
        self.changes.iter().filter(|change| change.1 == id).map(|(time, _, value)| (*time, value.as_str())).collect()
    }

    /// When a signal becomes `value`, after its first value; never, if it is not there.
    pub(super) fn times(&self, name: &str, value: &str) -> Vec<u64> {
        let changes = self.find(name).map_or(Vec::new(), |_| self.of_signal(name));
        changes.into_iter().skip(1).filter(|change| change.1 == value).map(|change| change.0).collect()
    }
}

/// Whether the DMA is busy from a START to the END that follows, each time, and moves nothing outside of that.
fn check_busy(dump: &Dump) -> Result<(), String> {
    let (from, to) = (dump.times("DMA.busy", "1"), dump.times("DMA.busy", "0"));
    if from.len() != to.len() || from.is_empty() {
        return Err(format!("busy {} times, idle {} times", from.len(), to.len()));
    }
    let starts = dump.times("TASKS_STARTEPIN[0]", "1");
    let ends = dump.times("EVENTS_ENDEPIN[0]", "1");
    for (number, (from, to)) in from.iter().zip(&to).enumerate() {
        let (start, end) = (starts.get(number), ends.get(number));
        if start.is_none_or(|start| start >= from) || end.is_none_or(|end| end < to) {
            return Err(format!("busy from {from} to {to}, START at {start:?}, END at {end:?}"));
        }
    }
    let outside = dump
        .of_signal("DMA.address")
        .into_iter()
        .skip(1)
        .find(|(time, _)| !from.iter().zip(&to).any(|(from, to)| (from..to).contains(&time)));
    outside.map_or(Ok(()), |(time, _)| Err(format!("a beat at {time}")))
}

fn control_read() -> Trace {
    stepped::run(&Device::new(Try::ControlRead, 18), &Rc::new(RefCell::new(Immediate)), Some(Keep::Order)).trace
}

#[test]
fn dma_is_busy_between_start_and_end() {
    let dump = Dump::of(&control_read());
    assert_eq!(dump.top(), "usbd");
    assert_eq!(check_busy(&dump), Ok(()));
    assert_eq!(dump.times("DMA.busy", "1").len(), 2, "the descriptor is read twice");
    assert_eq!(dump.times("DMA.busy", "1")[..1], dump.times("EVENTS_STARTED", "1"), "Ep0In does not clear it");
    assert_eq!(dump.times("DMA.busy", "0"), dump.times("EVENTS_ENDEPIN[0]", "1"));
}

#[test]
fn dma_is_busy_between_start_and_end_on_threads_too() {
    let trace = threads::run(&Device::new(Try::ControlRead, 18), Some(Keep::Time)).trace;
    assert_eq!(check_busy(&Dump::of(&trace)), Ok(()));
}

/// A driver that writes START, and what the engine does then.
fn start_and(records: Vec<Record>) -> Trace {
    let mut trace = Trace::new(Keep::Order);
    trace.note(None, || Record::Write { offset: map::tasks_startepin(0), value: 1 });
    for record in records {
        trace.note(None, || record);
    }
    trace
}

#[test]
fn dma_that_is_idle_before_its_end_is_found() {
    let levels = |end, dma| {
        let events = if end { map::event_bit(map::events_endepin(0)) } else { 0 };
        Record::Levels(Levels { events, dma, ..Levels::default() })
    };
    let beat = |number| {
        let site = Site::Dma { block: "EPIN", endpoint: 0, beat: number };
        let range = if number == 0 { 0x100..0x104 } else { 0x104..0x108 };
        Record::Beat { beat: Beat { range, access: Access::Read, site }, bytes: [0; 4] }
    };
    let busy = |records| check_busy(&Dump::of(&start_and(records)));
    assert_eq!(busy(vec![levels(false, true), beat(0), beat(1), levels(true, false)]), Ok(()));
    let wrong = "busy from 62 to 186, START at Some(0), END at Some(124)".to_owned();
    assert_eq!(busy(vec![levels(false, true), beat(0), levels(true, true), beat(1), levels(true, false)]), Err(wrong));
    let wrong = "busy from 62 to 186, START at Some(0), END at None".to_owned();
    assert_eq!(busy(vec![levels(false, true), beat(0), beat(1), levels(false, false)]), Err(wrong));
    let wrong = "a beat at 124".to_owned();
    assert_eq!(busy(vec![levels(false, true), beat(0), levels(true, false), beat(1)]), Err(wrong));
}

#[test]
fn task_is_a_pulse_each_time() {
    let mut trace = Trace::new(Keep::Order);
    for value in [1, 1, 0] {
        trace.note(None, || Record::Write { offset: map::tasks_ep0status(), value });
    }
    let dump = Dump::of(&trace);
    assert_eq!(dump.of_signal("TASKS_EP0STATUS"), [(0, "0"), (0, "1"), (31, "0"), (62, "1"), (93, "0")]);
}

#[test]
fn easydma_registers_hold_what_was_written_and_moved() {
    let dump = Dump::of(&control_read());
    let last = |name| {
        let value = dump.of_signal(name).last().expect("it has one").1.to_owned();
        u32::from_str_radix(&value, 2).expect("it is a number")
    };
    assert_eq!(last("EPIN[0].PTR"), 0x2002_0000);
    assert_eq!(last("EPIN[0].MAXCNT"), 18);
    assert_eq!(last("EPIN[0].AMOUNT"), 18);
    assert_eq!(last("DMA.address"), 0x2002_0010, "18 bytes are five beats");
}

#[test]
fn tokens_are_on_the_wire_for_their_time_only() {
    let dump = Dump::of(&control_read());
    let tokens = dump.of_signal("wire.token");
    assert_eq!(
        tokens[..6].iter().map(|change| change.1).collect::<Vec<_>>(),
        ["idle", "reset", "idle", "SETUP", "idle", "IN"]
    );
    assert_eq!(tokens.last().map(|change| change.1), Some("idle"));
    assert_eq!(dump.times("wire.token", "OUT").len(), 2, "two status stages");
    assert_eq!(dump.times("wire.answer", "DATA1").len(), 3, "two descriptors and the status of SET_ADDRESS");
    assert_eq!(tokens[2].0 - tokens[1].0, 2_500);
}

#[test]
fn interrupt_follows_inten() {
    let program = Device::new(Try::ControlRead, 18);
    let mut soc = Soc::new(Config { keep: Keep::Order, ..program.config() });
    let line = Location::caller();
    soc.cpu_write(map::intenset(), map::inten::USBEVENT.mask(), line);
    connect(&mut soc);
    soc.cpu_write(map::events_usbevent(), 0, line);
    let dump = Dump::of(soc.trace());
    let levels = dump.of_signal("interrupt");
    assert_eq!(levels.iter().map(|change| change.1).collect::<Vec<_>>(), ["0", "1", "0"]);
    assert_eq!(levels, dump.of_signal("EVENTS_USBEVENT"));
}

#[test]
fn handler_and_sleep_are_signals_of_a_run_that_has_them() {
    let program = InterruptDevice(Device::new(Try::ControlRead, 18));
    let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(1))), Some(Keep::Order));
    let dump = Dump::of(&run.trace);
    for signal in ["handler", "asleep"] {
        let levels = dump.of_signal(signal);
        assert!(levels.len() > 2, "{signal}: {levels:?}");
        assert!(levels.iter().zip(["0", "1"].iter().cycle()).all(|(change, level)| change.1 == *level), "{levels:?}");
    }
}

#[test]
fn signal_that_never_changes_is_left_out() {
    let mut file = Vec::new();
    write(&control_read(), &mut file).expect("a vector takes all");
    let text = String::from_utf8(file).expect("a dump is text");
    assert!(text.contains("EVENTS_ENDEPIN [0]") && !text.contains("EVENTS_ENDEPIN [1]"), "{text}");
    assert!(!text.contains("EPOUT[0]") && !text.contains("interrupt"), "{text}");
}
