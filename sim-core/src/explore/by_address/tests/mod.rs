//! Firmware by hand, which knows the chip's addresses: on cells, on its stack, with a handler; and what it asks in
//! vain.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use dma_api::usb::Setup;
use vcell::VolatileCell;

use super::*;
use crate::check::programs::begin_control_read;
use crate::device::usbd::{Options, Token, address_of};
use crate::explore::scheduler::{Immediate, Replay};
use crate::explore::stepped::{self, Limits, Run};
use crate::explore::{Board, Kind, ProgramOn, Verdict};
use crate::host::{Host, Script};
use crate::monitor::tests::Driver;
use crate::monitor::{Policies, Policy};
use crate::soc::{Config, Soc};
use crate::trace::{Keep, Record};

/// What runs on the CPU.
type Firmware = fn(&Bus);

/// Firmware by address, with a host that takes what `packets` says, each of three bytes.
struct ByAddress {
    firmware: Firmware,
    packets: usize,
    policies: Policies,
    gaps: Gaps,
}

impl ByAddress {
    fn new(firmware: fn(&Bus), packets: usize) -> Self {
        Self { firmware, packets, policies: Policies::default(), gaps: Gaps::default() }
    }

    fn run(&self) -> Run {
        stepped::run(self, &Rc::new(RefCell::new(Immediate)), Some(Keep::Order))
    }
}

impl ProgramOn<Bus> for ByAddress {
    fn name(&self) -> String {
        "by-address".to_owned()
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), policies: self.policies, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        // And again: the event is there for an interrupt handler.
        soc.transaction(0, 0, Token::Setup(Setup::get_device_descriptor(u16::MAX).to_bytes()));
    }

    fn firmware(&self, board: Bus) {
        run(&board, &self.gaps, || (self.firmware)(&board)).expect("nothing else is there");
    }

    fn host(&self, mut host: Host) -> Script {
        let packets = self.packets;
        Box::pin(async move {
            for _ in 0..packets {
                assert_eq!(host.packet_in(true).await?.bytes(), [1, 2, 3]);
            }
            Ok(())
        })
    }
}

fn cell<T>(address: u32) -> &'static VolatileCell<T> {
    // SAFETY:
    // - Nothing is read or written through the reference: a cell at this address is answered by a chip, or panics.
    // - The address is not null, and aligned for all types here.
    unsafe { &*std::ptr::with_exposed_provenance(address as usize) }
}

fn register(offset: u16) -> &'static VolatileCell<u32> {
    cell(address_of(offset))
}

/// Starts to send what is in `buffer`, as a driver does that knows the chip's addresses.
#[inline(never)]
fn start(buffer: &mut [u8]) {
    register(map::epin_ptr(0)).set(buffer.as_mut_ptr() as u32);
    register(map::epin_maxcnt(0)).set(u32::try_from(buffer.len()).expect("it is short"));
    register(map::tasks_startepin(0)).set(1);
}

fn wait() {
    while register(map::events_endepin(0)).get() == 0 {}
}

fn sends(_: &Bus) {
    let mut buffer = [1, 2, 3];
    start(&mut buffer);
    wait();
}

/// The function whose buffer it is returns.
#[inline(never)]
fn start_and_return() {
    start(&mut [1, 2, 3]);
}

/// Deeper than what comes next.
#[inline(never)]
fn deep() {
    let page = std::hint::black_box([0_u8; 0x2000]);
    start_and_return();
    std::hint::black_box(&page);
}

fn sends_from_a_frame_that_is_gone(_: &Bus) {
    deep();
    wait();
}

fn sends_from_the_heap(_: &Bus) {
    let mut buffer = vec![1, 2, 3];
    start(&mut buffer);
    wait();
}

/// The rules that `firmware` breaks on the schedule that has the CPU go on for as long as it can.
fn broken(firmware: fn(&Bus)) -> Vec<Rule> {
    let program = ByAddress { policies: Policy::Collect.into(), ..ByAddress::new(firmware, 0) };
    let cpu_first = Replay::new(vec![0; 100]);
    let run = stepped::run(&program, &Rc::new(RefCell::new(cpu_first)), None);
    run.violations.iter().map(|violation| violation.misuse.rule).collect()
}

pub(crate) fn pointer_to_dead_frame(driver: Driver) -> Vec<Rule> {
    broken(if driver == Driver::Wrong { sends_from_a_frame_that_is_gone } else { sends })
}

pub(crate) fn access_mode(driver: Driver) -> Vec<Rule> {
    broken(match driver {
        Driver::Wrong => |_| _ = cell::<u8>(0x4002_7400).get(),
        Driver::Right => |_| _ = cell::<u32>(0x4002_7400).get(),
    })
}

fn rule_of(run: &Run) -> Kind {
    run.verdict.kind()
}

#[test]
fn buffer_on_the_firmwares_stack_is_sent() {
    let program = ByAddress::new(sends, 1);
    let run = program.run();
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    assert!(program.gaps.is_empty(), "{}", program.gaps);
    // The chip was given the address itself.
    let of_start = |entry: &&Record| matches!(entry, Record::Captured { .. });
    let captured = run.trace.entries().iter().map(|entry| &entry.record).find(of_start);
    let Some(Record::Captured { range, .. }) = captured else { panic!("it was started") };
    assert!(range.start > 0x2003_0000 && range.end < 0x2004_0000, "{range:#x?}");
}

#[test]
fn every_schedule_of_a_driver_by_address_is_explored() {
    let exploration = stepped::explore(&ByAddress::new(sends, 1), Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
    assert!(exploration.complete > 1, "{exploration}");
}

#[test]
fn buffer_of_a_function_that_has_returned_is_reported() {
    let program = ByAddress::new(sends_from_a_frame_that_is_gone, 1);
    let exploration = stepped::explore(&program, Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Violation(Rule::PointerToDeadFrame), "{exploration}");
}

#[test]
fn buffer_on_the_heap_is_out_of_ram_with_its_address_cut() {
    let run = ByAddress::new(sends_from_the_heap, 1).run();
    assert_eq!(rule_of(&run), Kind::Violation(Rule::PointerOutsideRam), "{}", run.verdict);
}

#[test]
fn register_that_is_not_modelled_is_a_gap_and_reads_as_zero() {
    let asks = |_: &Bus| {
        assert_eq!(cell::<u32>(0x5000_0510).get(), 0);
        cell::<u32>(0x4000_8504).set(1);
        cell::<u32>(0x4000_8504).set(1);
    };
    let mut program = ByAddress::new(asks, 0);
    let stopped = program.run();
    assert_eq!(rule_of(&stopped), Kind::Violation(Rule::NotModelled), "{}", stopped.verdict);
    program = ByAddress { policies: Policy::Collect.into(), ..ByAddress::new(asks, 0) };
    let run = program.run();
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    let report = "       2 times: 0x40008504 (TIMER0) is written, and this simulator has no register there\n       \
                  1 times: 0x50000510 (GPIO) is read, and this simulator has no register there\n";
    assert_eq!(program.gaps.to_string(), report);
    assert_eq!(run.violations.len(), 2, "the first of each");
}

#[test]
fn access_that_a_register_does_not_have_is_reported() {
    let accesses: [(Firmware, &str); 5] = [
        (|_| _ = cell::<u8>(0x4002_7400).get(), "read in 1 bytes: its register has 4"),
        (|_| cell::<u16>(0x4002_7402).set(1), "written in 2 bytes: its register has 4"),
        (|_| _ = cell::<u64>(0x4002_7400).get(), "read in 8 bytes: its register has 4"),
        (|_| register(map::usbaddr()).set(1), "written: it can only be read"),
        (|_| _ = register(map::tasks_ep0status()).get(), "read: it can only be written"),
    ];
    for (access, says) in accesses {
        let run = ByAddress::new(access, 0).run();
        assert_eq!(rule_of(&run), Kind::Violation(Rule::AccessMode), "{}", run.verdict);
        assert!(run.verdict.to_string().contains(says), "{}", run.verdict);
    }
}

#[test]
fn driver_that_spins_for_ever_is_a_deadlock_and_both_sides_are_said() {
    let run = ByAddress::new(|_| wait(), 1).run();
    let Verdict::Deadlock { message, .. } = &run.verdict else { panic!("{}", run.verdict) };
    assert!(message.contains("EVENTS_ENDEPIN[0]") && message.contains("IN"), "{message}");
}

/// A driver that writes is not known to wait: a limit ends it.
#[test]
fn driver_that_writes_for_ever_is_a_deadlock_and_both_sides_are_said() {
    let writes = |_: &Bus| loop {
        register(map::inten()).set(1);
    };
    let run = ByAddress::new(writes, 0).run();
    let Verdict::Deadlock { message, .. } = &run.verdict else { panic!("{}", run.verdict) };
    assert_eq!(message, "the driver writes INTEN; the host is done; the engine is idle");
}

#[test]
fn two_chips_in_one_process_do_not_meet() {
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let run = ByAddress::new(sends, 1).run();
                    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
                }
            });
        }
    });
}

#[test]
fn panic_of_the_firmware_is_the_verdict_and_the_next_run_is_sound() {
    let run = ByAddress::new(|_| panic!("in the middle"), 0).run();
    assert_eq!(run.verdict.kind(), Kind::Assertion, "{}", run.verdict);
    assert!(current().is_none() && hook::chip().is_none());
    assert_eq!(ByAddress::new(sends, 1).run().verdict.kind(), Kind::Sound);
}

/// The handler sends, and the main program waits.
fn sends_by_handler(board: &Bus) {
    register(map::intenset()).set(map::event_bit(map::events_ep0setup()));
    let handler = || {
        register(map::events_ep0setup()).set(0);
        let mut buffer = [1, 2, 3];
        start(&mut buffer);
        wait();
    };
    with_interrupt(board, handler, || while !board.host_is_done() {});
}

#[test]
fn handler_in_the_middle_of_a_driver_by_address_has_frames_of_its_own() {
    let exploration = stepped::explore(&ByAddress::new(sends_by_handler, 1), Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
}

mod by_pointer;

#[cfg(feature = "critical-section")]
mod sections {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }

    /// A main program that is in and out of critical sections, which its handler must not come into.
    fn goes_through_sections(board: &Bus, masks: bool) {
        register(map::intenset()).set(map::event_bit(map::events_ep0setup()));
        let handler = || {
            register(map::events_ep0setup()).set(0);
            assert!(!INSIDE.get(), "the handler is in a critical section");
        };
        let body = || {
            let access = || {
                INSIDE.set(true);
                register(map::usbaddr()).get();
                INSIDE.set(false);
            };
            if masks { critical_section::with(|_| access()) } else { access() }
        };
        INSIDE.set(false);
        with_interrupt(board, handler, body);
    }

    #[test]
    fn critical_section_masks_the_line() {
        let program = ByAddress::new(|board| goes_through_sections(board, true), 0);
        let exploration = stepped::explore(&program, Limits::default());
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
    }

    #[test]
    fn access_outside_of_a_critical_section_is_interrupted() {
        let program = ByAddress::new(|board| goes_through_sections(board, false), 0);
        let exploration = stepped::explore(&program, Limits::default());
        let Verdict::Assertion { message, .. } = &exploration.verdict else { panic!("{exploration}") };
        assert_eq!(message, "the handler is in a critical section");
    }

    #[test]
    fn run_that_ends_in_a_critical_section_leaves_it() {
        let ends = |_: &Bus| critical_section::with(|_| critical_section::with(|_| wait()));
        let run = ByAddress::new(ends, 0).run();
        assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
        let elsewhere = std::thread::spawn(|| critical_section::with(|_| 7));
        assert_eq!(elsewhere.join().expect("nobody is in a section"), 7);
    }
}
