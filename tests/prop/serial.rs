//! `Sender` and `Receiver` of USART1: whatever can be done with what one has, whatever the peer does.
//!
//! The cases are made by a `ReferenceStateMachine`: from what the reference knows of channels and buffers comes what
//! can be done next. It makes the whole list, and makes it smaller when it fails. The list is then run as a whole,
//! once: the steps of `StateMachineTest` would come between runs of the explorer, and here driver, DMA and peer are in
//! the middle of one, where only the schedule decides who is next.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::explore::Kind;
use sim_core::machine::Machine;
use sim_core::monitor::Rule;
use tests::serial::operations::{Act, Case, MOST_OPERATIONS, MOST_TIMES, Operation, PeerOperation, SLOTS, Side};
use tests::serial::reference::Reference;
use tests::serial::twin::Twin;
use tests::serial::{bytes, property};

use crate::cases::{self, Suite, bit};

/// How many random cases.
const CASES: u32 = 8_000;

/// How many random byte strings.
const BYTE_STRINGS: u32 = 5_000;

/// What comes next, of CPU or peer.
#[derive(Clone, Copy, Debug)]
enum Step {
    Cpu(Operation),
    Peer(PeerOperation),
}

/// Where a case stands, and what is the same all along.
#[derive(Clone, Copy, Debug)]
struct State {
    reference: Reference,
    machine: Machine,
    /// Swarm: kinds of operations that are switched off, so that the others come in longer runs.
    off: u64,
    schedule: u32,
}

impl State {
    fn allows(&self, step: Step) -> bool {
        match step {
            // One that is never off, so that there is always something to do.
            Step::Cpu(Operation::Pause(polls)) => polls <= MOST_TIMES,
            Step::Cpu(operation) => self.off & bit(&operation) == 0 && self.reference.allows(operation),
            Step::Peer(operation) => self.off & bit(&operation) == 0,
        }
    }
}

/// What can be done with a half, by kind, with weights.
fn acts() -> [(u32, Vec<Act>); 15] {
    let slots = |act: fn(u8) -> Act| (0..).zip(SLOTS).map(|(slot, _)| act(slot)).collect();
    let times = |act: fn(u8) -> Act| (0..=MOST_TIMES).map(act).collect();
    [
        (12, slots(Act::Start)),
        (5, slots(Act::Circular)),
        (2, times(Act::Scope)),
        (2, times(Act::ScopePanics)),
        (4, vec![Act::Look]),
        (2, vec![Act::IsDone]),
        (6, vec![Act::Wait]),
        (3, vec![Act::Stop]),
        (1, vec![Act::Drop]),
        (1, vec![Act::Forget]),
        (2, times(Act::Await)),
        (1, times(Act::StopPolled)),
        (1, times(Act::DropPolled)),
        (1, times(Act::ForgetPolled)),
        (14, vec![Act::Turn]),
    ]
}

/// What comes next, by kind, with weights.
fn steps() -> Vec<(u32, Vec<Step>)> {
    let cpu = |operation: fn(u8) -> Operation, numbers: std::ops::Range<u8>| {
        numbers.map(|number| Step::Cpu(operation(number))).collect::<Vec<_>>()
    };
    let peer = |operation: fn(u8) -> PeerOperation| {
        (1..=MOST_TIMES).map(|number| Step::Peer(operation(number))).collect::<Vec<_>>()
    };
    let wrong = [FrameError::Parity, FrameError::Framing, FrameError::Noise];
    let mut steps = vec![
        (2, cpu(Operation::Pause, 0..MOST_TIMES + 1)),
        (2, vec![Step::Cpu(Operation::Flush)]),
        (2, cpu(Operation::Access, 0..6)),
        (2, vec![Step::Cpu(Operation::TakeAnew)]),
        (12, peer(PeerOperation::Send)),
        (3, vec![Step::Peer(PeerOperation::SendAtOnce)]),
        (2, wrong.map(|error| Step::Peer(PeerOperation::SendWrong(error))).to_vec()),
        (1, vec![Step::Peer(PeerOperation::Idle)]),
        (2, peer(PeerOperation::Receive)),
    ];
    for side in [Side::Sender, Side::Receiver] {
        let of_side = |(weight, acts): (u32, Vec<Act>)| {
            (weight, acts.into_iter().map(|act| Step::Cpu(Operation::Of(side, act))).collect())
        };
        steps.extend(acts().map(of_side));
    }
    steps
}

/// The machine that makes the cases.
struct Usart1;

impl ReferenceStateMachine for Usart1 {
    type State = State;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<State> {
        let off = prop_oneof![Just(0), any::<u64>()].no_shrink();
        let machine = prop::sample::select(Machine::ALL.to_vec());
        let state = |(machine, off, schedule)| State { reference: Reference::default(), machine, off, schedule };
        (machine, off, any::<u32>().no_shrink()).prop_map(state).boxed()
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

/// A case, with all that it is made of.
fn case() -> impl Strategy<Value = Case> {
    Usart1::sequential_strategy(1..=MOST_OPERATIONS).prop_map(|(state, steps, seen)| {
        if let Some(seen) = seen {
            // The whole list is run, and any part of it may be what a failure needs.
            seen.store(steps.len(), Ordering::SeqCst);
        }
        let State { machine, schedule, .. } = state;
        let mut case = Case { machine, cpu: Vec::new(), peer: Vec::new(), schedule };
        for step in steps {
            match step {
                Step::Cpu(operation) => case.cpu.push(operation),
                Step::Peer(operation) => case.peer.push(operation),
            }
        }
        case
    })
}

/// What can come of the operations, and in which state.
const CELLS: [&str; 81] = [
    "Access ()",
    "Flush by Circular",
    "Flush by Receiver",
    "Flush by Transfer",
    "Pause ()",
    "TakeAnew ()",
    "frames received",
    "receiver circular Drop ()",
    "receiver circular Forget ()",
    "receiver circular Stop ()",
    "receiver circular Turn Line",
    "receiver circular Turn None",
    "receiver circular Turn Overrun",
    "receiver circular Turn half",
    "receiver idle Circular Empty",
    "receiver idle Circular Line",
    "receiver idle Circular Odd",
    "receiver idle Circular Ok",
    "receiver idle Scope Empty",
    "receiver idle Scope Line",
    "receiver idle Scope Ok",
    "receiver idle ScopePanics Empty",
    "receiver idle ScopePanics panic",
    "receiver idle Start Empty",
    "receiver idle Start Line",
    "receiver idle Start Ok",
    "receiver running Await Line",
    "receiver running Await Ok",
    "receiver running Drop ()",
    "receiver running DropPolled pending",
    "receiver running DropPolled ready",
    "receiver running Forget ()",
    "receiver running ForgetPolled pending",
    "receiver running ForgetPolled ready",
    "receiver running IsDone false",
    "receiver running IsDone true",
    "receiver running Look none",
    "receiver running Look some",
    "receiver running Stop all",
    "receiver running Stop none",
    "receiver running Stop some",
    "receiver running StopPolled Ok",
    "receiver running StopPolled all",
    "receiver running StopPolled none",
    "receiver running StopPolled some",
    "receiver running Wait Line",
    "receiver running Wait Ok",
    "sender circular Drop ()",
    "sender circular Forget ()",
    "sender circular Stop ()",
    "sender circular Turn None",
    "sender circular Turn Underrun",
    "sender circular Turn half",
    "sender idle Circular Empty",
    "sender idle Circular Odd",
    "sender idle Circular Ok",
    "sender idle Scope Empty",
    "sender idle Scope Ok",
    "sender idle ScopePanics Empty",
    "sender idle ScopePanics panic",
    "sender idle Start Empty",
    "sender idle Start Ok",
    "sender running Await Ok",
    "sender running Drop ()",
    "sender running DropPolled pending",
    "sender running DropPolled ready",
    "sender running Forget ()",
    "sender running ForgetPolled pending",
    "sender running ForgetPolled ready",
    "sender running IsDone false",
    "sender running IsDone true",
    "sender running Look none",
    "sender running Look some",
    "sender running Stop all",
    "sender running Stop none",
    "sender running Stop some",
    "sender running StopPolled Ok",
    "sender running StopPolled all",
    "sender running StopPolled none",
    "sender running StopPolled some",
    "sender running Wait Ok",
];

#[test]
fn usart_keeps_the_property_in_every_case_and_all_that_can_come_of_it_is_reached() {
    cases::assert_holds(CASES, &case(), &CELLS, |case, schedule| {
        let case = Case { schedule: schedule.unwrap_or(case.schedule), ..case.clone() };
        let report = property::run(&case, None)?;
        let frames = std::iter::repeat_n("frames received".to_owned(), report.frames);
        Ok(report.cells.into_iter().chain(frames).collect())
    });
}

/// The property.
const SUITE: Suite<Case, Twin> = Suite {
    target: "serial",
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
fn stop_that_does_not_wait_is_found() {
    assert_found(Twin::StopsAtOnce, Kind::Violation(Rule::AcquiredInFlight));
}

#[test]
fn lap_that_is_lost_is_found() {
    let failure = assert_found(Twin::LosesLap, Kind::Assertion);
    // Of a sender's circle or of a receiver's, whichever comes first.
    let is_loss = ["were sent", "was due", "which nobody has sent"].into_iter().any(|loss| failure.contains(loss));
    assert!(is_loss, "{failure}");
}

#[test]
fn overrun_that_is_hidden_is_found() {
    let failure = assert_found(Twin::HidesOverrun, Kind::Assertion);
    assert!(failure.contains("and nobody said so"), "{failure}");
}

#[test]
fn transfer_that_is_one_item_short_is_found() {
    assert_found(Twin::CutsTransfers, Kind::Assertion);
}

#[test]
fn frame_that_the_wire_loses_is_found() {
    let failure = assert_found(Twin::WireLosesFrame, Kind::Assertion);
    assert!(failure.contains("and nobody said so"), "{failure}");
}

#[test]
fn frame_that_the_wire_loses_on_its_way_back_is_found() {
    let failure = assert_found(Twin::WireLosesAnswer, Kind::Assertion);
    assert!(failure.contains("were sent"), "{failure}");
}

#[test]
fn reference_with_another_result_is_found_to_differ() {
    let failure = assert_found(Twin::WrongReference, Kind::Assertion);
    assert!(failure.contains("was refused: Odd"), "{failure}");
}

#[test]
fn read_of_memory_that_the_dma_has_is_found() {
    assert_found(Twin::ReadsInFlight, Kind::Violation(Rule::CpuAccessInFlight));
}

/// Where a fuzzer begins: see [`Suite::seeds`].
const SEEDS: [(&str, &str, u32); 6] = [
    ("both_ways", "serial:cortex-m4:W4w3MmEeL:s6g4", 3),
    ("stopped", "serial:cortex-m7:W5w4MmSsB4B5W4E:s3o", 7),
    ("lost", "serial:multi-core:W2Xw3fNW2Z3w3y2NW1E:s4s2", 11),
    ("futures", "serial:cortex-m4:W4A2w4a1W3I2w5i4L:s6s6", 2),
    ("circles", "serial:cortex-m7:C5c4TTtTtTtttTStsW2E:s6s6s6s6", 5),
    ("scopes", "serial:multi-core:P3Q4p2q3P0p0W0w0C1c3G3:s6pfni", 9),
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
