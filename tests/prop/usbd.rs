//! USBD's engine: whatever becomes of a transfer, bulk or isochronous, whatever the host does.
//!
//! The cases are made as those of [`serial`](crate::serial): by a `ReferenceStateMachine`, and run as a whole.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use sim_core::explore::Kind;
use sim_core::machine::Machine;
use sim_core::monitor::Rule;
use tests::usbd::operations::{
    Case, Fate, HostOperation, MOST_OPERATIONS, MOST_POLLS, Noise, Operation, Pipe, Reference, SLOTS, Way,
};
use tests::usbd::twin::Twin;
use tests::usbd::{bytes, property};

use crate::cases::{self, Suite, bit};

/// How many random cases.
const CASES: u32 = 10_000;

/// How many random byte strings.
const BYTE_STRINGS: u32 = 2_000;

/// What comes next, of CPU or host.
#[derive(Clone, Copy, Debug)]
enum Step {
    Cpu(Operation),
    Host(HostOperation),
}

/// Where a case stands, and what is the same all along.
#[derive(Clone, Copy, Debug)]
struct State {
    reference: Reference,
    machine: Machine,
    noise: Noise,
    /// Swarm: kinds of operations that are switched off.
    off: u64,
    schedule: u32,
}

impl State {
    fn allows(&self, step: Step) -> bool {
        match step {
            // One that is never off, so that there is always something to do.
            Step::Cpu(operation @ Operation::Pause(_)) => self.reference.allows(operation),
            Step::Cpu(operation) => self.off & bit(&operation) == 0 && self.reference.allows(operation),
            Step::Host(operation) => self.off & bit(&operation) == 0,
        }
    }
}

/// What comes next, by kind, with weights.
fn steps() -> Vec<(u32, Vec<Step>)> {
    let slots = || (0..).zip(SLOTS).map(|(slot, _)| slot);
    let mut steps = vec![
        (2, (0..=MOST_POLLS).map(|polls| Step::Cpu(Operation::Pause(polls))).collect()),
        (16, vec![Step::Cpu(Operation::Serve)]),
        (2, slots().map(|slot| Step::Cpu(Operation::Access(slot))).collect()),
        (1, vec![Step::Host(HostOperation::Reset)]),
        (4, vec![Step::Host(HostOperation::Configure)]),
        (1, vec![Step::Host(HostOperation::Suspend)]),
        (10, [1, 4, 8, 30, 64].map(|length| Step::Host(HostOperation::Out(length))).to_vec()),
        (10, vec![Step::Host(HostOperation::In)]),
        (3, vec![Step::Host(HostOperation::LoseHandshake)]),
        (16, [0, 1, 4, 30, 64].map(|length| Step::Host(HostOperation::IsochronousOut(length))).to_vec()),
        (10, vec![Step::Host(HostOperation::IsochronousIn)]),
        (8, vec![Step::Host(HostOperation::Frame)]),
        (3, vec![Step::Host(HostOperation::Corrupt)]),
    ];
    for way in [Way::In, Way::Out] {
        let transfers = |pipe, fate| slots().map(move |slot| Step::Cpu(Operation::Transfer(pipe, way, slot, fate)));
        for (pipe, often) in [(Pipe::Bulk, [10, 6, 1, 1]), (Pipe::Isochronous, [12, 8, 1, 1])] {
            for (weight, fate) in often.into_iter().zip([Fate::Wait, Fate::End, Fate::Drop, Fate::Forget]) {
                steps.push((weight, transfers(pipe, fate).collect()));
            }
            steps.push((3, vec![Step::Cpu(Operation::Ask(pipe, way))]));
            steps.push((1, vec![Step::Cpu(Operation::Close(pipe, way))]));
        }
        steps.push((6, slots().map(|slot| Step::Cpu(Operation::Copy(way, slot))).collect()));
        steps.push((1, vec![Step::Cpu(Operation::Halt(way))]));
    }
    steps
}

/// The machine that makes the cases.
struct Usbd;

impl ReferenceStateMachine for Usbd {
    type State = State;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<State> {
        let off = prop_oneof![Just(0), any::<(u64, u64)>().prop_map(|(one, other)| one & other)].no_shrink();
        let machine = prop::sample::select(Machine::ALL.to_vec());
        let noise = prop::sample::select(Noise::ALL.to_vec());
        let state =
            |(machine, noise, off, schedule)| State { reference: Reference::default(), machine, noise, off, schedule };
        (machine, noise, off, any::<u32>().no_shrink()).prop_map(state).boxed()
    }

    fn transitions(state: &State) -> BoxedStrategy<Step> {
        cases::one_of(steps(), |step| state.allows(step))
    }

    fn preconditions(state: &State, step: &Step) -> bool {
        state.allows(*step)
    }

    fn apply(mut state: State, step: &Step) -> State {
        if let Step::Cpu(operation) = *step {
            state.reference.apply(operation);
        }
        state
    }
}

/// A case, with all that it is made of. It begins with a host that configures the device, and a firmware that lets it.
fn case() -> impl Strategy<Value = Case> {
    Usbd::sequential_strategy(1..MOST_OPERATIONS - 1).prop_map(|(state, steps, seen)| {
        if let Some(seen) = seen {
            // The whole list is run, and any part of it may be what a failure needs.
            seen.store(steps.len(), Ordering::SeqCst);
        }
        let State { machine, noise, schedule, .. } = state;
        let mut cpu = vec![Operation::Pause(MOST_POLLS), Operation::Serve];
        let mut host = vec![HostOperation::Configure];
        for step in steps {
            match step {
                Step::Cpu(operation) => cpu.push(operation),
                Step::Host(operation) => host.push(operation),
            }
        }
        Case { machine, noise, cpu, host, schedule }
    })
}

/// What can come of the operations.
const CELLS: [&str; 94] = [
    "Access ()",
    "Bulk In Ask false",
    "Bulk In Ask true",
    "Bulk In Close ()",
    "Bulk In Copy Busy",
    "Bulk In Copy Closed",
    "Bulk In Copy Ok",
    "Bulk In Copy TooLong",
    "Bulk In Drop Busy",
    "Bulk In Drop Closed",
    "Bulk In Drop Ok",
    "Bulk In End Busy",
    "Bulk In End Closed",
    "Bulk In End Ok",
    "Bulk In End TooLong",
    "Bulk In Forget Busy",
    "Bulk In Forget Closed",
    "Bulk In Forget Ok",
    "Bulk In Halt ()",
    "Bulk In Wait Busy",
    "Bulk In Wait Closed",
    "Bulk In Wait Ok",
    "Bulk In Wait TooLong",
    "Bulk Out Ask None",
    "Bulk Out Ask Some",
    "Bulk Out Close ()",
    "Bulk Out Copy Closed",
    "Bulk Out Copy Empty",
    "Bulk Out Copy Ok",
    "Bulk Out Copy TooShort",
    "Bulk Out Drop Closed",
    "Bulk Out Drop Empty",
    "Bulk Out Drop Ok",
    "Bulk Out End Closed",
    "Bulk Out End Empty",
    "Bulk Out End Ok",
    "Bulk Out End TooShort",
    "Bulk Out Forget Closed",
    "Bulk Out Forget Empty",
    "Bulk Out Forget Ok",
    "Bulk Out Halt ()",
    "Bulk Out Wait Closed",
    "Bulk Out Wait Empty",
    "Bulk Out Wait Ok",
    "Bulk Out Wait TooShort",
    "Isochronous In Ask false",
    "Isochronous In Ask true",
    "Isochronous In Close ()",
    "Isochronous In Drop Busy",
    "Isochronous In Drop Closed",
    "Isochronous In Drop Ok",
    "Isochronous In End Busy",
    "Isochronous In End Closed",
    "Isochronous In End Late",
    "Isochronous In End Ok",
    "Isochronous In Forget Busy",
    "Isochronous In Forget Closed",
    "Isochronous In Forget Ok",
    "Isochronous In Wait Busy",
    "Isochronous In Wait Closed",
    "Isochronous In Wait Late",
    "Isochronous In Wait Ok",
    "Isochronous In Wait left out",
    "Isochronous Out Ask Corrupted",
    "Isochronous Out Ask Nothing",
    "Isochronous Out Ask Packet",
    "Isochronous Out Ask ZeroLength",
    "Isochronous Out Close ()",
    "Isochronous Out Drop Closed",
    "Isochronous Out Drop Empty",
    "Isochronous Out Drop Ok",
    "Isochronous Out End Closed",
    "Isochronous Out End Corrupted",
    "Isochronous Out End Empty",
    "Isochronous Out End Late",
    "Isochronous Out End Ok",
    "Isochronous Out End TooShort",
    "Isochronous Out Forget Closed",
    "Isochronous Out Forget Empty",
    "Isochronous Out Forget Ok",
    "Isochronous Out Wait Closed",
    "Isochronous Out Wait Corrupted",
    "Isochronous Out Wait Empty",
    "Isochronous Out Wait Late",
    "Isochronous Out Wait Ok",
    "Isochronous Out Wait TooShort",
    "Pause ()",
    "Serve None",
    "Serve Reset",
    "Serve Setup",
    "bulk packets from the host",
    "bulk packets to the host",
    "isochronous packets from the host",
    "isochronous packets to the host",
];

#[test]
fn engine_keeps_the_property_in_every_case_and_all_that_can_come_of_it_is_reached() {
    cases::assert_holds(CASES, &case(), &CELLS, |case, schedule| {
        let case = Case { schedule: schedule.unwrap_or(case.schedule), ..case.clone() };
        assert_eq!(Case::by_name(&case.name(), case.schedule), Some(case.clone()));
        let report = property::run(&case, None)?;
        let [bulk, isochronous] = report.packets;
        let mut cells = report.cells;
        for (pipe, [to_host, from_host]) in [("bulk", bulk), ("isochronous", isochronous)] {
            cells.extend(std::iter::repeat_n(format!("{pipe} packets to the host"), to_host));
            cells.extend(std::iter::repeat_n(format!("{pipe} packets from the host"), from_host));
        }
        Ok(cells)
    });
}

/// The property.
const SUITE: Suite<Case, Twin> = Suite {
    target: "usbd",
    seeds: &SEEDS,
    decode: bytes::decode,
    encode: bytes::encode,
    name: |case| (case.name(), case.schedule),
    by_name: Case::by_name,
    find: |case, twin| property::run(case, twin).err(),
    replay: |text| property::replay(text).expect("the string is of this program").err(),
};

/// The twin is found, as what it is.
#[track_caller]
fn assert_found(twin: Twin, kind: Kind) -> String {
    SUITE.assert_found(twin, kind, &case())
}

#[test]
fn board_that_forgets_acquire_is_found() {
    assert_found(Twin::ForgetsAcquire, Kind::Violation(Rule::ReleasedTwice));
}

#[test]
fn compiler_fence_on_a_cortex_m7_is_found_to_be_a_race() {
    assert_found(Twin::WeakFences, Kind::Race);
}

#[test]
fn buffer_that_is_handed_back_too_early_is_found() {
    assert_found(Twin::EndsAtOnce, Kind::Violation(Rule::AcquiredInFlight));
}

#[test]
fn packet_that_is_one_byte_short_is_found() {
    assert_found(Twin::CutsPackets, Kind::Assertion);
}

#[test]
fn engines_buffer_that_is_used_too_early_is_found() {
    assert_found(Twin::CopyEndsAtOnce, Kind::Violation(Rule::AcquiredInFlight));
}

#[test]
fn isochronous_buffer_that_is_handed_back_too_early_is_found() {
    assert_found(Twin::StreamEndsAtOnce, Kind::Violation(Rule::AcquiredInFlight));
}

#[test]
fn copied_packet_that_is_one_byte_short_is_found() {
    let failure = assert_found(Twin::CutsCopies, Kind::Assertion);
    assert!(failure.contains("bytes came of packet") || failure.contains("an empty packet came"), "{failure}");
}

#[test]
fn isochronous_packet_that_is_one_byte_short_is_found() {
    let failure = assert_found(Twin::CutsStream, Kind::Assertion);
    assert!(failure.contains("bytes came of packet") || failure.contains("an empty packet came"), "{failure}");
}

#[test]
fn lateness_that_is_hidden_is_found() {
    assert_found(Twin::HidesLateness, Kind::Violation(Rule::StartWhileArmed));
    assert_found(Twin::HidesLateness, Kind::Assertion);
}

#[test]
fn corruption_that_is_hidden_is_found() {
    let failure = assert_found(Twin::HidesCorruption, Kind::Assertion);
    assert!(failure.contains("was corrupted on its way"), "{failure}");
}

#[test]
fn isochronous_packet_that_the_wire_loses_is_found() {
    let failure = assert_found(Twin::WireLosesStream, Kind::Assertion);
    assert!(failure.contains("was due"), "{failure}");
}

#[test]
fn packet_that_is_overwritten_is_found() {
    assert_found(Twin::SentAtOnce, Kind::Violation(Rule::StartWhileArmed));
}

#[test]
fn packet_that_the_wire_loses_is_found() {
    let failure = assert_found(Twin::WireLosesPacket, Kind::Assertion);
    // Taken for one that was sent again; or one that was sent again, for another.
    assert!(failure.contains("is lost") || failure.contains("came after"), "{failure}");
}

#[test]
fn reference_with_another_result_is_found_to_differ() {
    let failure = assert_found(Twin::WrongReference, Kind::Assertion);
    assert!(failure.contains("65 bytes are refused"), "{failure}");
}

#[test]
fn packet_that_was_corrupted_before_its_endpoint_was_opened_again_is_not_handed_out() {
    // Opened while ISOOUTCRC is up; after a look that has taken it down; closed in between.
    for (name, schedule) in [("VVj0:cmp1mcp0", 33), ("VqVj0:cmp1cn", 0), ("VqZzVG2j0j0:cmp1cnn", 235)] {
        property::hold(&format!("usbd:cortex-m4:clean:G6{name}"), schedule);
    }
}

/// Where a fuzzer begins: see [`Suite::seeds`].
const SEEDS: [(&str, &str, u32); 7] = [
    ("both_ways", "usbd:cortex-m4:clean:VG6VW2w4KkE3e4:co8io30i", 3),
    ("copies", "usbd:cortex-m7:losses:VG3VY2y4KkY5y0Y3y4:co8io30io64i", 7),
    ("streams", "usbd:multi-core:clean:VG6VJ2j4QqT3t4J2j4Q:cp8anp30anap64a", 2),
    ("corrupted", "usbd:cortex-m4:corruption:VG6Vqj4qt4qj4J2j4:cp8nmp30np64np1nan", 5),
    ("lost", "usbd:cortex-m4:clean:VG6VX2Vx3VD2Vd3VB1W1J1F2G6G6:co8cicp8cnaro1i", 11),
    ("halted", "usbd:multi-core:losses:VG6VHW2hw4VVK:co8lisio4", 9),
    ("closed", "usbd:cortex-m7:clean:VCW1cw3ZJ1zj3VG3VU2G1:ccp4aro64lo8n", 1),
];

#[test]
#[ignore = "writes fuzz/seeds: run it when the bytes of a case have changed"]
fn seeds_are_written() {
    SUITE.write_seeds();
}

#[test]
fn property_holds_for_every_seed_of_the_fuzzer() {
    SUITE.assert_seeds_hold();
}

#[test]
fn property_holds_in_every_case_that_a_fuzzer_may_make() {
    SUITE.assert_bytes_hold(BYTE_STRINGS);
}
