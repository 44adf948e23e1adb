//! Bulk and interrupt transfers: toggles, short and empty packets, endpoints that cannot be.

use super::*;
use crate::host::descriptors::tests::CONFIGURATION_BYTES;
use crate::host::descriptors::{Configuration, TransferType};

#[test]
fn bulk_out_arrives_in_packets_with_alternating_toggles() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    for length in [0, 1, 63, 64, 65, 128, 129] {
        rig.fake().endpoints.insert(0x01, FakeEndpoint::default());
        assert_eq!(now(rig.host.set_configuration(1)), Ok(()));
        assert_eq!(now(rig.host.bulk_out(1, &bytes(length))), Ok(()));
        let received = rig.received(0x01);
        assert_eq!(received.concat(), bytes(length));
        assert_eq!(received.len(), length.div_ceil(64).max(1), "{length}: no empty packet unless asked for");
    }
}

#[test]
fn bulk_in_ends_with_a_short_packet_or_with_all_bytes() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x81]);
    let (full, short) = (bytes(64), bytes(5));
    rig.arm(0x81, &[&full, &short, &full, &[], &full, &[], &full, &full]);
    assert_eq!(now(rig.host.bulk_in(1, 512)).map(|bytes| bytes.len()), Ok(69));
    assert_eq!(now(rig.host.bulk_in(1, 512)).map(|bytes| bytes.len()), Ok(64), "an empty packet ends it");
    assert_eq!(now(rig.host.bulk_in(1, 64)).map(|bytes| bytes.len()), Ok(64));
    assert_eq!(now(rig.host.bulk_in(1, 0)), Ok(Vec::new()), "the empty packet that was left");
    assert_eq!(now(rig.host.bulk_in(1, 128)).map(|bytes| bytes.len()), Ok(128));
}

#[test]
fn bulk_in_of_more_than_was_asked_for_is_noticed() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x81]);
    rig.arm(0x81, &[&bytes(64)]);
    assert_eq!(now(rig.host.bulk_in(1, 10)), Err(HostError::TooLong { endpoint: 1, asked: 10, got: 64 }));
    rig.arm(0x81, &[&[1]]);
    assert_eq!(now(rig.host.bulk_in(1, 0)), Err(HostError::TooLong { endpoint: 1, asked: 0, got: 1 }));
}

#[test]
fn toggle_that_does_not_advance_is_noticed_unless_it_repeats_the_packet() {
    let mut rig = Rig::with_endpoints(Defect::StuckToggle, &[0x81]);
    rig.arm(0x81, &[&[1], &[2]]);
    assert_eq!(now(rig.host.bulk_in(1, 64)), Ok(vec![1]));
    assert_eq!(now(rig.host.bulk_in(1, 64)), Err(HostError::Toggle { endpoint: 1, expected: 1, got: 0 }));
    // The same bytes again could be a repeat, and are dropped; not for ever.
    let mut rig = Rig::with_endpoints(Defect::StuckToggle, &[0x81]);
    rig.arm(0x81, &[&[1][..]; 5]);
    assert_eq!(now(rig.host.bulk_in(1, 64)), Ok(vec![1]));
    assert_eq!(now(rig.host.bulk_in(1, 64)), Err(HostError::Toggle { endpoint: 1, expected: 1, got: 0 }));
    assert_eq!(rig.fake().logged("@0.1 IN"), 4, "three repeats");
}

/// One packet in, so that DATA1 is due; a request; and the outcome of the next packet.
fn after_request(defect: Defect, request: Setup) -> Result<Vec<u8>, HostError> {
    let mut rig = Rig::with_endpoints(defect, &[0x81]);
    rig.arm(0x81, &[&[1], &[2]]);
    assert_eq!(now(rig.host.bulk_in(1, 64)), Ok(vec![1]));
    assert_eq!(now(rig.host.control_out(request, &[])), Ok(()));
    now(rig.host.bulk_in(1, 64))
}

#[test]
fn toggles_start_again_with_set_configuration_and_clear_feature() {
    for request in [Setup::set_configuration(1), requests::clear_halt(0x81)] {
        assert_eq!(after_request(Defect::None, request), Ok(vec![2]));
        let wrong = Err(HostError::Toggle { endpoint: 1, expected: 0, got: 1 });
        assert_eq!(after_request(Defect::KeepsToggles, request), wrong, "{request:?}");
    }
    assert_eq!(after_request(Defect::None, requests::set_halt(0x01)), Ok(vec![2]), "which resets nothing");
}

#[test]
fn toggles_of_the_other_endpoints_go_on_after_clear_feature() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x81, 0x82]);
    rig.arm(0x82, &[&[1], &[2]]);
    assert_eq!(now(rig.host.bulk_in(2, 64)), Ok(vec![1]));
    assert_eq!(now(rig.host.clear_halt(0x81)), Ok(()));
    assert_eq!(now(rig.host.bulk_in(2, 64)), Ok(vec![2]));
}

#[test]
fn halted_endpoint_stalls_until_it_is_cleared() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x02]);
    rig.fake().endpoints.get_mut(&0x02).expect("there").halted = true;
    assert_eq!(now(rig.host.bulk_out(2, &[1])), Err(HostError::Stalled { token: "OUT", endpoint: 2 }));
    assert_eq!(now(rig.host.clear_halt(0x02)), Ok(()));
    assert_eq!(now(rig.host.bulk_out(2, &[1])), Ok(()));
}

#[test]
fn endpoint_that_cannot_be_is_an_error_and_nothing_is_sent() {
    let mut rig = Rig::new(Defect::None);
    let outcomes = [
        now(rig.host.bulk_in(9, 1)).map(drop),
        now(rig.host.bulk_out(15, &[1])),
        now(rig.host.interrupt_in(16, 1)).map(drop),
        now(rig.host.interrupt_out(255, &[])),
        now(rig.host.token_to(9, Token::In)).map(drop),
        now(rig.host.token_to(0x81, Token::In)).map(drop),
        now(rig.host.bulk_in(0, 1)).map(drop),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(HostError::Endpoint { .. })), "{outcome:?}");
    }
    assert!(rig.fake().log.is_empty());
    let error = now(rig.host.bulk_in(9, 1)).expect_err("there is none");
    let text = "the script addresses endpoint 9 for a bulk transfer: the device has endpoints 0 to 8";
    assert_eq!(error.to_string(), text);
    let nobody = now(rig.host.bulk_in(7, 1));
    assert!(matches!(nobody, Err(HostError::NoAnswer { endpoint: 7, .. })), "it could be there: {nobody:?}");
}

/// A host that knows the serial port of the descriptors' tests: 0x81 interrupt, 0x82 and 0x02 bulk.
fn configured(defect: Defect) -> Rig {
    let mut rig = Rig::with_endpoints(defect, &[0x81, 0x82, 0x02]);
    let configuration = Configuration::parse(&CONFIGURATION_BYTES).expect("it is right");
    rig.host.use_configuration(configuration);
    assert_eq!(now(rig.host.set_configuration(1)), Ok(()));
    rig
}

/// One packet from each of two interfaces, SET_INTERFACE for the second, and one more from each.
fn after_set_interface(mut rig: Rig) -> [Result<Vec<u8>, HostError>; 2] {
    rig.fake().interfaces.insert(1, vec![0x82, 0x02]);
    rig.arm(0x81, &[&[1], &[2]]);
    rig.arm(0x82, &[&[3], &[4]]);
    assert_eq!(now(rig.host.interrupt_in(1, 8)), Ok(vec![1]));
    assert_eq!(now(rig.host.bulk_in(2, 64)), Ok(vec![3]));
    assert_eq!(now(rig.host.set_interface(1, 0)), Ok(()));
    [now(rig.host.interrupt_in(1, 8)), now(rig.host.bulk_in(2, 64))]
}

#[test]
fn toggles_of_its_interface_start_again_with_set_interface() {
    assert_eq!(after_set_interface(configured(Defect::None)), [Ok(vec![2]), Ok(vec![4])]);
    let wrong = |endpoint| Err(HostError::Toggle { endpoint, expected: 0, got: 1 });
    assert_eq!(after_set_interface(configured(Defect::KeepsToggles)), [Ok(vec![2]), wrong(2)]);
    // A host that knows no configuration takes all to start again, and the device's first goes on.
    let unknown = Rig::with_endpoints(Defect::None, &[0x81, 0x82]);
    assert_eq!(after_set_interface(unknown), [wrong(1), Ok(vec![4])]);
}

#[test]
fn alternate_setting_brings_its_endpoints_and_their_packet_sizes() {
    #[rustfmt::skip]
    let bytes = [
        9, 2, 34, 0, 1, 1, 0, 0x80, 50,
        9, 4, 0, 0, 0, 255, 0, 0, 0,
        9, 4, 0, 1, 1, 255, 0, 0, 0,
        7, 5, 0x81, 2, 8, 0, 0,
    ];
    let mut rig = Rig::with_endpoints(Defect::None, &[0x81]);
    rig.host.use_configuration(Configuration::parse(&bytes).expect("it is right"));
    assert_eq!(now(rig.host.set_configuration(1)), Ok(()));
    rig.arm(0x81, &[&[1; 8], &[2; 9]]);
    let has_none = |rig: &mut Rig| {
        let outcome = now(rig.host.bulk_in(1, 8));
        assert!(matches!(outcome, Err(HostError::Endpoint { endpoint: 1, .. })), "{outcome:?}");
    };
    has_none(&mut rig);
    assert_eq!(now(rig.host.set_interface(0, 1)), Ok(()));
    assert_eq!(now(rig.host.set_interface(0, 0)), Ok(()));
    has_none(&mut rig);
    assert_eq!(now(rig.host.set_interface(0, 1)), Ok(()));
    assert_eq!(now(rig.host.set_configuration(1)), Ok(()));
    has_none(&mut rig);
    assert_eq!(now(rig.host.set_interface(0, 1)), Ok(()));
    assert_eq!(now(rig.host.bulk_in(1, 8)), Ok(vec![1; 8]));
    assert_eq!(now(rig.host.bulk_in(1, 64)), Err(HostError::Babble { endpoint: 1, most: 8, got: 9 }));
}

#[test]
fn transfer_on_an_endpoint_of_another_type_or_of_none_is_an_error() {
    let mut rig = configured(Defect::None);
    let reason = |outcome: Result<Vec<u8>, HostError>| match outcome {
        Err(HostError::Endpoint { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let other_type = "the configuration says that it is for transfers of another type";
    assert_eq!(reason(now(rig.host.bulk_in(1, 8))), other_type);
    assert_eq!(reason(now(rig.host.interrupt_in(2, 8))), other_type);
    assert_eq!(reason(now(rig.host.bulk_in(3, 8))), "the configuration has none in this direction");
    assert_eq!(TransferType::Bulk.to_string(), "bulk");
}

#[test]
fn packet_longer_than_the_endpoint_says_is_babble() {
    let mut rig = configured(Defect::None);
    rig.arm(0x81, &[&bytes(8), &bytes(9)]);
    assert_eq!(now(rig.host.interrupt_in(1, 8)), Ok(bytes(8)));
    assert_eq!(now(rig.host.interrupt_in(1, 64)), Err(HostError::Babble { endpoint: 1, most: 8, got: 9 }));
}

#[test]
fn interrupt_endpoint_is_polled_once_an_interval() {
    let mut rig = configured(Defect::None);
    rig.arm(0x81, &[&[1], &[2], &[3]]);
    let frames: Vec<_> = (0..3)
        .map(|_| {
            now(rig.host.interrupt_in(1, 8)).expect("it is there");
            rig.host.clock().frames()
        })
        .collect();
    assert_eq!(frames, [0, 16, 32]);
    assert_eq!(rig.fake().logged("SOF"), 2, "one for each poll in another frame");
}

#[test]
fn interrupt_endpoint_with_nothing_to_say_is_polled_in_later_frames_and_times_out() {
    let mut rig = configured(Defect::None);
    let outcome = now(rig.host.interrupt_in(1, 8));
    assert!(outcome.as_ref().is_err_and(HostError::is_timeout), "{outcome:?}");
    let log = &rig.fake().log[2..];
    let first = ["@0.1 IN: NAK", "SOF 16", "@0.1 IN: NAK", "SOF 32", "@0.1 IN: NAK", "SOF 48", "@0.1 IN: NAK"];
    assert_eq!(log[..first.len()], first);
    assert_eq!(log.len(), 1 + 2 * 13, "1 + 2 + ... + 2048 ms, and what is left of 5000: {log:?}");
}
