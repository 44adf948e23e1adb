//! Every fence under loom, with the twin that must fail: `Ep0In` here, transfers of both chips in [`transfers`],
//! and the shapes of the literature in [`litmus`].

use std::panic::Location;
use std::time::Duration;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::counterexample::Counterexample;
use sim_core::check::counterexample::repair::{Fix, Repairable};
use sim_core::check::programs::{BackToBack, begin_control_read};
use sim_core::device::usbd::{Options, Packet, Token};
use sim_core::explore::model::{self, Limits, Packets};
use sim_core::explore::{Board, Kind, Program, Verdict, stepped};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine, Place, Strength};
use sim_core::monitor::{Policy, Rule, Site};
use sim_core::soc::{Config, Soc};
use sim_core::statics;
use sim_core::trace::Record;

mod host;
mod limits;
mod litmus;
mod transfers;
mod twins;

fn check(packets: u8, fences: Fences) -> Verdict {
    model::check(&BackToBack { packets, length: 8, fences }, Limits::default())
}

/// The fences that a machine does not honour.
fn too_weak(machine: Machine) -> impl Iterator<Item = Strength> {
    Strength::ALL.into_iter().filter(move |&strength| !machine.honours(strength))
}

#[test]
fn right_fences_are_sound_on_every_machine() {
    for machine in Machine::ALL {
        let verdict = check(2, Fences::right(machine));
        assert_eq!(verdict.kind(), Kind::Sound, "{machine}: {verdict}");
    }
}

#[test]
fn start_fence_that_is_too_weak_is_a_race_found_by_the_engine() {
    for machine in Machine::ALL {
        for start in too_weak(machine) {
            let Verdict::Race(found) = check(1, Fences { start, ..Fences::right(machine) }) else {
                panic!("a {machine} with {start} before the start is no race");
            };
            assert!(matches!(found.violation.site, Site::Dma { .. }), "{machine} {start}: {}", found.violation);
            assert!(matches!(found.violation.misuse.other, Some(Site::Cpu(_))), "{machine} {start}");
        }
    }
}

#[test]
fn end_fence_that_is_too_weak_is_a_race_found_by_the_cpu() {
    for machine in Machine::ALL {
        for end in too_weak(machine) {
            let Verdict::Race(found) = check(1, Fences { end, ..Fences::right(machine) }) else {
                panic!("a {machine} with {end} after the end is no race");
            };
            assert!(matches!(found.violation.site, Site::Cpu(_)), "{machine} {end}: {}", found.violation);
            assert!(matches!(found.violation.misuse.other, Some(Site::Dma { .. })), "{machine} {end}");
        }
    }
}

#[test]
fn one_two_and_three_packets_are_explored_completely() {
    for (packets, expected) in [(1, 25), (2, 625), (3, 15_625)] {
        let verdict = check(packets, Fences::right(Machine::CortexM7));
        println!("{packets} packets: {verdict}");
        // The README has these numbers. More of them are a worse model; fewer may be a model that sees less.
        assert_eq!(verdict, Verdict::Sound { executions: expected, complete: expected });
    }
}

#[test]
fn loom_and_all_schedules_agree_on_every_row() {
    for fences in Fences::all() {
        for packets in 1..=2 {
            let program = BackToBack { packets, length: 8, fences };
            let model = model::check(&program, Limits::default());
            let stepped = stepped::explore(&program, stepped::Limits::default()).verdict;
            assert_eq!(model.kind(), stepped.kind(), "{}: loom: {model}; stepped: {stepped}", program.name());
        }
    }
}

#[test]
fn limit_that_is_hit_is_inconclusive_and_not_sound() {
    let program = BackToBack { packets: 2, length: 8, fences: Fences::default() };
    let few = Limits { executions: 10, ..Limits::default() };
    let verdict = model::check(&program, few);
    assert!(matches!(verdict, Verdict::Inconclusive { executions: 10, .. }), "{verdict}");
    let short = Limits { time: Duration::ZERO, ..Limits::default() };
    assert_eq!(model::check(&program, short).kind(), Kind::Inconclusive);
    let shallow = Limits { branches: 3, ..Limits::default() };
    assert_eq!(model::check(&program, shallow).kind(), Kind::Inconclusive);
}

/// Firmware that is not `Ep0In` used as it should be.
#[derive(Clone, Copy, Debug)]
enum Odd {
    /// Looks for the end once, and gives up.
    LooksOnce,
    /// Starts a second transfer by hand while the first runs.
    StartsTwice,
    /// Starts, and never looks.
    NeverLooks,
    /// Takes the buffer back without looking.
    TakesBackAtOnce,
    /// Never starts.
    NeverStarts,
    /// Panics.
    Panics,
}

impl Program for Odd {
    fn name(&self) -> String {
        format!("odd:{self:?}")
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
        match self {
            Self::LooksOnce => {
                ep0in.start(&[1, 2, 3]).expect("it is idle");
                // Not there yet, in many executions; this firmware does not care.
                let _ = ep0in.end();
            }
            Self::StartsTwice => {
                ep0in.start(&[1, 2, 3]).expect("it is idle");
                // SAFETY:
                // - Not paid: this is the misuse that the test is about. It reaches memory through windows only.
                unsafe { board.write(map::tasks_startepin(0), 1) };
            }
            // SAFETY:
            // - No memory is touched: MAXCNT is 0.
            Self::NeverLooks => unsafe { board.write(map::tasks_startepin(0), 1) },
            Self::TakesBackAtOnce => {
                let pointer = std::ptr::from_mut(statics::packet_buffer()).cast();
                let region = Region { pointer, length: 8, direction: Direction::MemoryToDevice };
                // SAFETY:
                // - The region is valid: 8 bytes of a `'static` buffer.
                // - Nobody else accesses it: no reference to it is left.
                let address = unsafe { board.release(region) };
                for (offset, value) in [(map::epin_ptr(0), address.get()), (map::epin_maxcnt(0), 8)] {
                    // SAFETY:
                    // - These writes start nothing.
                    unsafe { board.write(offset, value) };
                }
                // SAFETY:
                // - The memory was released above.
                unsafe { board.write(map::tasks_startepin(0), 1) };
                // SAFETY:
                // - Not paid: no register said that the DMA has ended. The board closes its window.
                unsafe { board.acquire(region) };
            }
            Self::NeverStarts => {}
            Self::Panics => panic!("the driver's own message"),
        }
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for Odd {
    fn packets(&self) -> usize {
        1
    }
}

#[test]
fn driver_that_looks_once_is_sound_and_says_how_seldom_it_got_to_the_end() {
    let Verdict::Sound { executions, complete } = model::check(&Odd::LooksOnce, Limits::default()) else {
        panic!("giving up is no race");
    };
    assert!(0 < complete && complete < executions, "{complete} of {executions}");
}

#[test]
fn driver_that_never_looks_is_vacuous_and_not_sound() {
    let verdict = model::check(&Odd::NeverLooks, Limits::default());
    assert_eq!(verdict.kind(), Kind::Vacuous, "{verdict}");
}

#[test]
fn buffer_taken_back_too_early_has_the_same_name_in_both_engines() {
    let expected = Kind::Violation(Rule::AcquiredInFlight);
    let verdict = model::check(&Odd::TakesBackAtOnce, Limits::default());
    assert_eq!(verdict.kind(), expected, "{verdict}");
    let verdict = stepped::explore(&Odd::TakesBackAtOnce, stepped::Limits::default()).verdict;
    assert_eq!(verdict.kind(), expected, "{verdict}");
}

impl Repairable for Odd {
    fn places(&self) -> Vec<(Place, Strength)> {
        self.config().fences.places()
    }

    fn with_fence(&self, _place: Place, _strength: Strength) -> Self {
        panic!("no fence mends what is wrong here")
    }
}

#[test]
fn buffer_taken_back_too_early_is_no_matter_of_fences_and_both_sides_are_in_the_trace() {
    let limits = stepped::Limits::default();
    let failure = stepped::explore(&Odd::TakesBackAtOnce, limits).verdict;
    let found = Counterexample::find(&Odd::TakesBackAtOnce, &failure, limits).expect("it fails on a schedule");
    let violation = found.violation().expect("it is a rule that is broken");
    assert_eq!(found.fix, Fix::Other(violation.misuse.what.clone()));
    assert!(found.fix.to_string().contains("wait for the END event"), "{}", found.fix);
    let record = |index: Option<usize>| index.map(|index| &found.run.trace.entries()[index].record);
    assert!(matches!(record(found.later), Some(Record::Acquire { .. })), "{found}");
    let earlier = record(found.earlier);
    assert!(matches!(earlier, Some(Record::Captured { .. } | Record::Beat { .. })), "{found}");
    assert_eq!(found.missing(), None, "a fence would order nothing");
}

/// Takes the buffer of an OUT transfer back without looking, and nobody minds.
#[derive(Clone, Copy, Debug)]
struct TakesBack {
    waits: bool,
}

impl Program for TakesBack {
    fn name(&self) -> String {
        format!("takes-back:{}", self.waits)
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), policies: Policy::Silicon.into(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        let line = Location::caller();
        begin_control_read(soc);
        let write = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 8 };
        soc.transaction(0, 0, Token::Setup(write.to_bytes()));
        soc.cpu_write(map::tasks_ep0rcvout(), 1, line);
        soc.transaction(0, 0, Token::Out { data1: true, packet: Packet::new(&[7; 8]) });
        // For the packet that the host of a model takes: the status stage's.
        soc.cpu_write(map::tasks_ep0status(), 1, line);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut buffer = Box::new([0; 8]);
        let region = Region { pointer: buffer.as_mut_ptr(), length: 8, direction: Direction::DeviceToMemory };
        let wait = || while board.read(map::events_endepout(0)) == 0 {};
        // SAFETY:
        // - The region is valid, and left alone, until `acquire`.
        let address = unsafe { board.release(region) };
        for (offset, value) in [(map::epout_ptr(0), address.get()), (map::epout_maxcnt(0), 8)] {
            // SAFETY:
            // - These writes start nothing.
            unsafe { board.write(offset, value) };
        }
        // SAFETY:
        // - The memory was released above.
        unsafe { board.write(map::tasks_startepout(0), 1) };
        if self.waits {
            wait();
        }
        // SAFETY:
        // - It was released. MUTANT: if it does not wait, no register has said that the DMA has ended. The board closes
        //   its window.
        unsafe { board.acquire(region) };
        wait();
        assert_eq!(*buffer, if self.waits { [7; 8] } else { [0; 8] });
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for TakesBack {
    fn packets(&self) -> usize {
        1
    }
}

/// The engine moves its bytes after the driver has taken the buffer back, in every execution: loom has no switch in
/// between. They go nowhere.
#[test]
fn memory_that_is_taken_back_too_early_is_out_of_the_engines_reach() {
    let verdict = model::check(&TakesBack { waits: true }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    let verdict = model::check(&TakesBack { waits: false }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn second_start_in_the_model_is_named() {
    let verdict = model::check(&Odd::StartsTwice, Limits::default());
    assert_eq!(verdict.kind(), Kind::Violation(Rule::StartWhileBusy), "{verdict}");
}

#[test]
fn model_whose_device_waits_forever_is_a_deadlock() {
    let verdict = model::check(&Odd::NeverStarts, Limits::default());
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
}

#[test]
fn panic_of_a_driver_keeps_its_message_and_the_next_model_runs() {
    let verdict = model::check(&Odd::Panics, Limits::default());
    assert!(
        matches!(&verdict, Verdict::Assertion { message, .. } if message == "the driver's own message"),
        "{verdict}"
    );
    assert_eq!(check(1, Fences::default()).kind(), Kind::Sound);
}
