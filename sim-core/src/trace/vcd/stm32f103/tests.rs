//! Dumps of exchanges over USART1.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::stm32f103::usart::map::{USART1, cr1};

use crate::check::programs::Exchange;
use crate::device::Chip;
use crate::device::stm32f103::{BusError, usart::FrameError};
use crate::explore::scheduler::{Immediate, Seeded};
use crate::explore::{Kind, Program, stepped, threads};
use crate::monitor::Site;
use crate::monitor::clocks::Access;
use crate::soc::{Config, Soc};
use crate::trace::vcd::tests::Dump;
use crate::trace::{Keep, Levels, Record, Stm32f103Levels, Trace};

const BYTES: u16 = 4;

fn stepped_exchange() -> Trace {
    let run = stepped::run(&Exchange::new(BYTES), &Rc::new(RefCell::new(Seeded::new(7))), Some(Keep::Order));
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    run.trace
}

/// Whether a channel is busy once: from EN=1 in its CCR until its TCIF, while all accesses by it are made.
fn check_busy(dump: &Dump, channel: usize) -> Result<(), String> {
    let signal = |name: &str| format!("DMA1.{name}{channel}");
    let one = |name: &str, value: &str| dump.times(&signal(name), value).first().copied();
    let enabled = dump.of_signal(&signal("CCR")).into_iter().find(|(_, ccr)| ccr.ends_with('1')).map(|(time, _)| time);
    let [from, to, end] = [one("busy", "1"), one("busy", "0"), one("TCIF", "1")];
    let what = format!("EN=1 at {enabled:?}, busy from {from:?} to {to:?}, TCIF at {end:?}");
    let in_order = enabled.is_some() && enabled <= from && from < to && to == end;
    let accesses: Vec<u64> =
        accesses(dump).into_iter().filter(|(_, by)| *by == channel).map(|(time, _)| time).collect();
    let outside = accesses.iter().find(|&&time| Some(time) < from || Some(time) >= to);
    match outside {
        None if in_order && !accesses.is_empty() => Ok(()),
        None => Err(what),
        Some(time) => Err(format!("{what}, an access at {time}")),
    }
}

/// When DMA1 has made an access to another address than before, and by which channel.
fn accesses(dump: &Dump) -> Vec<(u64, usize)> {
    let channels = dump.of_signal("DMA1.channel");
    let at = |time| {
        let (_, channel) = channels.iter().take_while(|change| change.0 <= time).last()?;
        usize::from_str_radix(channel, 2).ok()
    };
    let addresses = dump.of_signal("DMA1.address").into_iter().skip(1);
    addresses.filter_map(|(time, _)| Some((time, at(time)?))).collect()
}

/// The values that a signal takes, as numbers; those of no frame are left out.
fn numbers(dump: &Dump, name: &str) -> Vec<u32> {
    let values = dump.of_signal(name).into_iter();
    values.filter_map(|(_, value)| u32::from_str_radix(value, 2).ok()).collect()
}

#[test]
fn channels_are_busy_from_enable_to_their_last_item() {
    let dump = Dump::of(&stepped_exchange());
    assert_eq!(dump.top(), "stm32f103");
    for channel in [4, 5] {
        assert_eq!(check_busy(&dump, channel), Ok(()));
        assert_eq!(numbers(&dump, &format!("DMA1.CNDTR{channel}")), [0, 4, 3, 2, 1, 0]);
        assert_eq!(dump.times(&format!("DMA1.HTIF{channel}"), "1").len(), 1);
        assert_eq!(dump.find(&format!("DMA1.TEIF{channel}")), None, "nothing has failed");
    }
}

#[test]
fn channels_are_busy_from_enable_to_their_last_item_on_threads_too() {
    let run = threads::run(&Exchange::new(BYTES), Some(Keep::Time));
    let dump = Dump::of(&run.trace);
    assert_eq!([4, 5].map(|channel| check_busy(&dump, channel)), [Ok(()), Ok(())]);
}

#[test]
fn channel_that_is_idle_before_its_end_is_found() {
    let levels = |busy, isr| {
        let stm32f103 = Some(Stm32f103Levels { busy: [busy, 0], isr: [isr, 0], ..Stm32f103Levels::default() });
        Record::Levels(Levels { stm32f103, ..Levels::default() })
    };
    let item = |address| {
        let site = Site::Channel { controller: 1, channel: 4, item: 0 };
        Record::Item { site, range: address..address + 1, access: Access::Read, value: Some(0) }
    };
    let enable = || Record::Poke { address: 0x4002_0044, value: 0x91 };
    let busy = |records: Vec<Record>| {
        let mut trace = Trace::new(Keep::Order);
        records.into_iter().for_each(|record| trace.note(None, || record));
        check_busy(&Dump::of(&trace), 4)
    };
    let running = || levels(1 << 3, 0);
    let (done, idle) = (|| levels(0, 0x3000), || levels(0, 0));
    assert_eq!(busy(vec![enable(), running(), item(1), done()]), Ok(()));
    let wrong = "EN=1 at Some(0), busy from Some(62) to Some(124), TCIF at Some(86924)".to_owned();
    assert_eq!(busy(vec![enable(), running(), item(1), idle(), Record::IdleLine { usart: 1 }, done()]), Err(wrong));
    let early = busy(vec![enable(), item(1), running(), item(2), done()]).expect_err("an access before it is busy");
    assert!(early.ends_with("an access at 62"), "{early}");
    let late = busy(vec![enable(), running(), item(1), done(), item(2)]).expect_err("an access after it was busy");
    assert!(late.ends_with("an access at 124"), "{late}");
}

#[test]
fn frames_are_on_their_lines_in_order() {
    let dump = Dump::of(&stepped_exchange());
    assert_eq!(numbers(&dump, "USART1.TX"), [0x41, 0x42, 0x43, 0x44]);
    assert_eq!(numbers(&dump, "USART1.RX"), [0x61, 0x62, 0x63, 0x64]);
    for line in ["USART1.TX", "USART1.RX"] {
        let idle = dump.of_signal(line).into_iter().step_by(2).collect::<Vec<_>>();
        assert_eq!(idle.len(), 5, "before and after each");
        assert!(idle.iter().all(|(_, value)| value.chars().all(|bit| bit == 'z')), "{idle:?}");
    }
}

#[test]
fn equal_frames_are_apart_and_those_of_nine_bits_whole() {
    let mut trace = Trace::new(Keep::Order);
    for error in [None, Some(FrameError::Noise)] {
        trace.note(None, || Record::Frame { usart: 2, to_host: false, frame: 0x1AB, error });
    }
    let dump = Dump::of(&trace);
    let (frame, none) = ("110101011", "zzzzzzzzz");
    let frames = [(0, none), (0, frame), (78_120, none), (86_800, frame), (164_920, none)];
    assert_eq!(dump.of_signal("USART2.RX"), frames);
    assert_eq!(dump.find("USART2.TX"), None);
}

#[test]
fn flags_of_a_usart_begin_as_after_reset() {
    let dump = Dump::of(&stepped_exchange());
    let complete = dump.of_signal("USART1.TC");
    assert_eq!(complete.iter().map(|change| change.1).collect::<Vec<_>>(), ["1", "0", "1"]);
    assert_eq!(dump.of_signal("USART1.TXE")[0], (0, "1"));
    assert_eq!(dump.times("USART1.RXNE", "1").len(), usize::from(BYTES));
    for unused in ["USART1.ORE", "USART2.TC", "DMA2.busy1", "DMA1.busy3", "DMA1.CCR3"] {
        assert_eq!(dump.find(unused), None, "{unused}");
    }
}

#[test]
fn registers_hold_what_was_written() {
    let dump = Dump::of(&stepped_exchange());
    let written = |name| numbers(&dump, name).into_iter().filter(|value| *value != 0).collect::<Vec<_>>();
    assert_eq!(written("DMA1.CCR4"), [0x91]);
    assert_eq!(written("DMA1.CPAR5"), [0x4001_3804]);
    assert_eq!(written("DMA1.CMAR5"), [0x2000_C000]);
    assert_eq!(written("USART1.BRR"), [0x271]);
    assert!(written("DMA1.address").contains(&0x4001_3804));
    assert_eq!(dump.find("USART1.DR"), None, "it is two registers, and the lines show both");
}

/// An exchange in which the bus fails.
struct Fails;

impl Program for Fails {
    fn name(&self) -> String {
        "fails".to_owned()
    }

    fn config(&self) -> Config {
        let bus_error = Some(BusError { controller: 1, channel: 4, item: 2 });
        Config { bus_error, ..Exchange::new(BYTES).config() }
    }

    fn firmware<B: crate::explore::Board>(&self, board: B) {
        Exchange::new(BYTES).firmware(board);
    }

    fn host(&self, host: crate::host::Host) -> crate::host::Script {
        Exchange::new(BYTES).host(host)
    }
}

#[test]
fn channel_that_fails_is_idle_with_teif() {
    let run = stepped::run(&Fails, &Rc::new(RefCell::new(Immediate)), Some(Keep::Order));
    let dump = Dump::of(&run.trace);
    assert_eq!(dump.times("DMA1.TEIF4", "1").len(), 1);
    assert_eq!(dump.times("DMA1.TEIF4", "1"), dump.times("DMA1.busy4", "0"));
    assert_eq!(dump.find("DMA1.TCIF4"), None);
}

#[test]
fn interrupt_is_that_of_the_chip() {
    let mut soc = Soc::new(Config { keep: Keep::Order, chip: Chip::Stm32f103, ..Config::default() });
    let base = u32::try_from(USART1).expect("the chip has 32-bit addresses");
    // TC is set out of reset.
    for value in [cr1::TCIE.mask(), 0, cr1::TCIE.mask()] {
        soc.cpu_poke(base + u32::from(cr1()), value, Location::caller());
    }
    let dump = Dump::of(soc.trace());
    let levels = dump.of_signal("interrupt");
    assert_eq!(levels.iter().map(|change| change.1).collect::<Vec<_>>(), ["0", "1", "0", "1"]);
}
