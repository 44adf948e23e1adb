//! A bus that posts writes, and a USBD whose END comes before its last word.

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::check::interrupt::InterruptDevice;
use sim_core::check::programs::{Device, Echo, Try};
use sim_core::check::quirks::Quirky;
use sim_core::explore::scheduler::Seeded;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Kind, Program};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::monitor::Rule;
use sim_core::quirks::Quirks;

use super::bulk::Bulk;

#[track_caller]
fn assert_is(program: &impl Program, expected: Kind) {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {exploration}", program.name());
    assert_eq!(exploration.verdict.kind(), expected, "{}: {exploration}", program.name());
}

#[test]
fn endpoint_0_is_sound_where_writes_are_posted_whatever_the_host_does() {
    for host in Try::ALL {
        assert_is(&Quirky { program: Device::new(host, 8), quirks: Quirks::POSTED }, Kind::Sound);
    }
}

#[test]
fn bulk_packets_are_sound_where_writes_are_posted() {
    for program in [Bulk::OUT, Bulk::IN] {
        assert_is(&Quirky { program, quirks: Quirks::POSTED }, Kind::Sound);
    }
}

/// A packet to the host is read from memory, and nothing of it is late. One from the host is trusted by its END alone.
#[test]
fn end_that_comes_before_the_last_word_is_caught_where_memory_is_written() {
    let caught = Kind::Violation(Rule::AcquiredInFlight);
    for quirks in &Quirks::EACH[1..] {
        assert_is(&Quirky { program: Bulk::OUT, quirks: *quirks }, caught);
        assert_is(&Quirky { program: Bulk::IN, quirks: *quirks }, Kind::Sound);
    }
    assert_is(&Bulk::OUT, Kind::Sound);
}

/// Too many schedules for all: some of them.
#[test]
fn devices_are_enumerated_where_writes_are_posted() {
    let quirks = Quirks::POSTED;
    for seed in 0..100 {
        for system in OperatingSystem::ALL {
            runs(&Quirky { program: Echo::new(system, 130), quirks }, seed);
        }
        for host in Try::ALL {
            runs(&Quirky { program: InterruptDevice(Device::new(host, 8)), quirks }, seed);
        }
    }
}

#[track_caller]
fn runs(program: &impl Program, seed: u64) {
    let run = stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}, seed {seed}: {}", program.name(), run.verdict);
}
