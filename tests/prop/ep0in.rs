//! `Ep0In`: whatever is called, whatever the host does.

use proptest::prelude::*;
use sim_core::explore::Kind;
use sim_core::machine::Machine;
use sim_core::monitor::Rule;
use tests::bytes;
use tests::conversation::Hazard;
use tests::operations::{Case, HostOperation, LONGEST_START, LONGEST_WAIT, MOST_OPERATIONS, Operation, Request};
use tests::property;
use tests::sabotage::Twin;

use crate::cases::{self, Suite, bit};

/// How many random cases.
const CASES: u32 = 30_000;

/// How many random byte strings.
const BYTE_STRINGS: u32 = 10_000;

fn start() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (1..=8u8).prop_map(Operation::Start),
        2 => (9..=64u8).prop_map(Operation::Start),
        1 => prop_oneof![Just(0), 65..=LONGEST_START].prop_map(Operation::Start),
        1 => Just(Operation::StartZeroLength),
    ]
}

/// One call, or a few that belong together.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let any = prop_oneof![
        3 => start(),
        3 => Just(Operation::End),
        1 => Just(Operation::Abort),
        1 => Just(Operation::Busy),
        5 => Just(Operation::NextEvent),
        2 => Just(Operation::Accept),
        1 => Just(Operation::Stall),
        1 => Just(Operation::TakeApart),
        2 => (0..=LONGEST_WAIT).prop_map(Operation::Wait),
    ];
    let ending = prop_oneof![Just(Operation::NextEvent), Just(Operation::End)];
    let packet = (start(), 0..=LONGEST_WAIT, ending)
        .prop_map(|(start, polls, end)| vec![Operation::NextEvent, start, Operation::Wait(polls), end]);
    prop_oneof![3 => any.prop_map(|operation| vec![operation]), 1 => packet]
}

/// One step of the host, or a control transfer.
fn host_operations() -> impl Strategy<Value = Vec<HostOperation>> {
    let read = (1..=130u8).prop_map(Request::Read);
    let request = prop_oneof![4 => read, 1 => Just(Request::NoData), 1 => Just(Request::SetAddress)];
    let request = request.prop_map(HostOperation::Setup).boxed();
    let any = prop_oneof![
        1 => Just(HostOperation::Reset),
        2 => request.clone(),
        4 => Just(HostOperation::InOnce),
        2 => Just(HostOperation::OutStatusOnce),
    ];
    let transfer = (request, 0..20usize, 0..3usize).prop_map(|(request, ins, outs)| {
        let ins = vec![HostOperation::InOnce; ins];
        [vec![request], ins, vec![HostOperation::OutStatusOnce; outs]].concat()
    });
    prop_oneof![4 => any.prop_map(|operation| vec![operation]), 1 => transfer]
}

/// A case. Swarm: in half of the cases some kinds of operations are switched off, so that the others come in longer
/// runs.
fn case() -> impl Strategy<Value = Case> {
    let lists = (
        prop::collection::vec(operations(), 0..MOST_OPERATIONS),
        prop::collection::vec(host_operations(), 0..MOST_OPERATIONS / 2),
    );
    let machine = prop::sample::select(Machine::ALL.to_vec());
    let off = prop_oneof![Just((0, 0)), any::<(u64, u64)>()];
    (lists, machine, off, any::<bool>(), any::<u32>()).prop_map(
        |((cpu, host), machine, (cpu_off, host_off), careful, schedule)| {
            let cpu = cpu.concat().into_iter().filter(|operation| bit(operation) & cpu_off == 0);
            let host = host.concat().into_iter().filter(|operation| bit(operation) & host_off == 0);
            let (cpu, host) = (cpu.take(MOST_OPERATIONS).collect(), host.take(MOST_OPERATIONS).collect());
            Case { cpu, host, machine, careful, schedule }
        },
    )
}

/// The cells of the table in `Ep0In`'s documentation: state, call, result.
const CELLS: [&str; 53] = [
    "idle Start Ok",
    "idle Start Empty",
    "idle Start TooLong",
    "idle StartZeroLength Ok",
    "idle End NotStarted",
    "idle Abort ()",
    "idle Busy false",
    "idle NextEvent None",
    "idle NextEvent Reset",
    "idle NextEvent Setup",
    "idle Accept Ok",
    "idle Stall Ok",
    "idle TakeApart Ok",
    "idle Wait ()",
    "sending Start Busy",
    "sending Start Empty",
    "sending Start TooLong",
    "sending StartZeroLength Busy",
    "sending End Ok",
    "sending End NotDone",
    "sending Abort ()",
    "sending Busy true",
    "sending NextEvent None",
    "sending NextEvent Reset",
    "sending NextEvent Sent",
    "sending NextEvent Setup",
    "sending NextEvent refused",
    "sending Accept Busy",
    "sending Stall Busy",
    "sending TakeApart Err",
    "sending Wait ()",
    "aborted Start Ok",
    "aborted Start Busy",
    "aborted Start Empty",
    "aborted Start TooLong",
    "aborted StartZeroLength Ok",
    "aborted StartZeroLength Busy",
    "aborted End NotStarted",
    "aborted Abort ()",
    "aborted Busy true",
    "aborted Busy false",
    "aborted NextEvent None",
    "aborted NextEvent Reset",
    "aborted NextEvent Setup",
    "aborted NextEvent refused",
    "aborted Accept Ok",
    "aborted Accept Busy",
    "aborted Stall Ok",
    "aborted Stall Busy",
    "aborted TakeApart Ok",
    "aborted TakeApart Err",
    "aborted Wait ()",
    "packets taken",
];

#[test]
fn endpoint_keeps_the_property_in_every_case_and_every_cell_of_its_table_is_reached() {
    cases::assert_holds(CASES, &case(), &CELLS, |case, schedule| {
        let case = Case { schedule: schedule.unwrap_or(case.schedule), ..case.clone() };
        let report = property::run(&case, None)?;
        let packets = std::iter::repeat_n("packets taken".to_owned(), report.packets);
        let hazard = report.hazard.map(|hazard| format!("{hazard:?}"));
        Ok(report.cells.into_iter().chain(packets).chain(hazard).collect())
    });
}

/// The property.
const SUITE: Suite<Case, Twin> = Suite {
    target: "operations",
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
fn reference_with_another_result_is_found_to_differ() {
    let failure = assert_found(Twin::WrongReference, Kind::Assertion);
    assert!(failure.contains("End has returned Ended(Err(NotStarted)), expected Ended(Err(NotDone))"), "{failure}");
}

#[test]
fn board_that_hides_resets_is_found() {
    let failure = assert_found(Twin::HidesReset, Kind::Assertion);
    assert!(failure.contains("expected Event(Some(Reset))"), "{failure}");
}

#[test]
fn board_on_which_every_transfer_has_ended_is_found() {
    assert_found(Twin::EndsAtOnce, Kind::Violation(Rule::AcquiredInFlight));
}

#[test]
fn packet_that_is_one_byte_short_is_found() {
    let failure = assert_found(Twin::CutsPackets, Kind::Assertion);
    assert!(failure.contains("the host was given"), "{failure}");
}

#[test]
fn shortcut_that_outlives_its_packet_is_found() {
    let failure = assert_found(Twin::KeepsShorts, Kind::Assertion);
    assert!(failure.contains("a status stage that nobody has permitted"), "{failure}");
}

#[test]
fn chip_on_which_a_reset_swallows_the_end_is_found_to_stay_busy() {
    // The limit that `Ep0In` documents.
    let failure = assert_found(Twin::ResetSwallowsEnd, Kind::Deadlock);
    assert!(failure.contains("the driver polls EVENTS_ENDEPIN[0]"), "{failure}");
}

#[test]
fn reset_before_a_setup_is_reported_before_it() {
    property::hold_everywhere("ep0in:cortex-m4:reckless:NN:RQ1");
}

#[test]
fn setup_read_together_with_a_reset_outlives_the_endpoint() {
    property::hold_everywhere("ep0in:cortex-m4:reckless:NP:RQ1");
}

#[test]
fn packet_taken_in_answer_to_another_setup_is_refused_and_not_reported_as_sent() {
    property::hold_everywhere("ep0in:cortex-m4:reckless:NZN:Q1Q1I");
}

#[test]
fn status_stage_of_set_address_is_a_hazard_that_a_careful_firmware_leaves_out() {
    let hazard = |manner: &str| property::hold(&format!("ep0in:cortex-m4:{manner}:W8C:L"), 0).hazard;
    assert_eq!(hazard("reckless"), Some(Hazard::AcceptOfSetAddress));
    assert_eq!(hazard("careful"), None);
}

/// Where a fuzzer begins: see [`Suite::seeds`].
const SEEDS: [(&str, &str, u32); 8] = [
    ("control_read", "ep0in:cortex-m4:careful:NNS18W8W8NW8N:RQ18IIIIIIIIIIIIO", 3),
    ("reset_during_a_read", "ep0in:cortex-m7:careful:NNS64W2NNBW8NNS8W8N:RQ64RQ64IIIIII", 7),
    ("setup_during_a_read", "ep0in:multi-core:careful:NS64NNS8W8NN:Q64Q8IIIIIIO", 11),
    ("overtaken_start", "ep0in:cortex-m4:reckless:NZNN:Q1Q1I", 0),
    ("request_without_data", "ep0in:cortex-m4:careful:NW8CW8N:DIIILI", 3),
    ("stall", "ep0in:cortex-m7:reckless:NTW8N:Q8IIOQ8I", 3),
    ("events_by_hand", "ep0in:multi-core:reckless:S8EEAS64BBEAPZE:Q70IIIIII", 7),
    ("every_operation", "ep0in:cortex-m4:reckless:NS0S70S8EW4EZABNCTPW2N:RQ18IOIIDILI", 2),
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
