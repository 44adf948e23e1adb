//! USBD's engine with buffers of the firmware's own: whatever becomes of a transfer, whatever the host does.
//!
//! The cases are made as those of [`serial`](crate::serial): by a `ReferenceStateMachine`, and run as a whole.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;
use sim_core::explore::Kind;
use sim_core::machine::Machine;
use sim_core::monitor::Rule;
use tests::usbd::operations::{
    Case, Fate, HostOperation, MOST_OPERATIONS, MOST_POLLS, Noise, Operation, Reference, SLOTS, Way,
};
use tests::usbd::property;
use tests::usbd::twin::Twin;

use crate::cases;

/// How many random cases.
const CASES: u32 = 3_000;

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

/// Which kind of operation this is, as a bit: by the first letter of its name.
fn bit(operation: &str) -> u64 {
    operation.bytes().next().map_or(0, |letter| 1 << (letter - b'A'))
}

impl State {
    fn allows(&self, step: Step) -> bool {
        match step {
            // One that is never off, so that there is always something to do.
            Step::Cpu(operation @ Operation::Pause(_)) => self.reference.allows(operation),
            Step::Cpu(operation) => self.off & bit(&operation.to_string()) == 0 && self.reference.allows(operation),
            Step::Host(operation) => self.off & bit(&operation.to_string()) == 0,
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
    ];
    for way in [Way::In, Way::Out] {
        for (weight, fate) in [(10, Fate::Wait), (6, Fate::End), (1, Fate::Drop), (1, Fate::Forget)] {
            steps.push((weight, slots().map(|slot| Step::Cpu(Operation::Transfer(way, slot, fate))).collect()));
        }
        steps.push((3, vec![Step::Cpu(Operation::Ask(way))]));
        steps.push((1, vec![Step::Cpu(Operation::Halt(way))]));
        steps.push((1, vec![Step::Cpu(Operation::Close(way))]));
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
        let allowed = steps().into_iter().filter_map(|(weight, mut steps)| {
            steps.retain(|&step| state.allows(step));
            (!steps.is_empty()).then(|| (weight, prop::sample::select(steps)))
        });
        Union::new_weighted(allowed.collect()).boxed()
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

/// A case, with all that it is made of. It begins with a host that configures the device.
fn case() -> impl Strategy<Value = Case> {
    Usbd::sequential_strategy(1..MOST_OPERATIONS).prop_map(|(state, steps, seen)| {
        if let Some(seen) = seen {
            // The whole list is run, and any part of it may be what a failure needs.
            seen.store(steps.len(), Ordering::SeqCst);
        }
        let State { machine, noise, schedule, .. } = state;
        let (mut cpu, mut host) = (Vec::new(), vec![HostOperation::Configure]);
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
const CELLS: [&str; 43] = [
    "Access ()",
    "In Ask false",
    "In Ask true",
    "In Close ()",
    "In Drop Busy",
    "In Drop Closed",
    "In Drop Ok",
    "In End Busy",
    "In End Closed",
    "In End Ok",
    "In End TooLong",
    "In Forget Busy",
    "In Forget Closed",
    "In Forget Ok",
    "In Halt ()",
    "In Wait Busy",
    "In Wait Closed",
    "In Wait Ok",
    "In Wait TooLong",
    "Out Ask None",
    "Out Ask Some",
    "Out Close ()",
    "Out Drop Closed",
    "Out Drop Empty",
    "Out Drop Ok",
    "Out End Closed",
    "Out End Empty",
    "Out End Ok",
    "Out End TooShort",
    "Out Forget Closed",
    "Out Forget Empty",
    "Out Forget Ok",
    "Out Halt ()",
    "Out Wait Closed",
    "Out Wait Empty",
    "Out Wait Ok",
    "Out Wait TooShort",
    "Pause ()",
    "Serve None",
    "Serve Reset",
    "Serve Setup",
    "packets from the host",
    "packets to the host",
];

#[test]
fn engine_keeps_the_property_in_every_case_and_all_that_can_come_of_it_is_reached() {
    cases::assert_holds(CASES, &case(), &CELLS, |case, schedule| {
        let case = Case { schedule: schedule.unwrap_or(case.schedule), ..case.clone() };
        assert_eq!(Case::by_name(&case.name(), case.schedule), Some(case.clone()));
        let report = property::run(&case, None)?;
        let [to_host, from_host] = report.packets;
        let to_host = std::iter::repeat_n("packets to the host".to_owned(), to_host);
        let from_host = std::iter::repeat_n("packets from the host".to_owned(), from_host);
        Ok(report.cells.into_iter().chain(to_host).chain(from_host).collect())
    });
}

/// The twin is found, as what it is; and its replay string finds it again.
#[track_caller]
fn assert_found(twin: Twin, kind: Kind) -> String {
    let replay = |text: &str| property::replay(text).expect("the string is of this program").err();
    cases::assert_found(twin, kind, &case(), |case| property::run(case, Some(twin)).err(), replay)
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
fn packet_that_is_overwritten_is_found() {
    assert_found(Twin::SentAtOnce, Kind::Violation(Rule::StartWhileArmed));
}

#[test]
fn packet_that_the_wire_loses_is_found() {
    let failure = assert_found(Twin::WireLosesPacket, Kind::Assertion);
    assert!(failure.contains("is lost"), "{failure}");
}

#[test]
fn reference_with_another_result_is_found_to_differ() {
    let failure = assert_found(Twin::WrongReference, Kind::Assertion);
    assert!(failure.contains("65 bytes are refused"), "{failure}");
}
