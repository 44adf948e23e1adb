//! Frames, suspend, the cable, transfers that are abandoned.

use super::*;

/// How many OUT packets there are between one SOF and the next.
fn packets_by_frame(log: &[String]) -> Vec<usize> {
    log.split(|line| line.starts_with("SOF")).map(<[String]>::len).collect()
}

#[test]
fn frame_has_nineteen_bulk_packets_at_most() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.bulk_out(1, &bytes(64 * 60))), Ok(()));
    assert_eq!(packets_by_frame(&rig.fake().log), [19, 19, 19, 3]);
    let numbers: Vec<_> = rig.fake().log.iter().filter(|line| line.starts_with("SOF")).cloned().collect();
    assert_eq!(numbers, ["SOF 1", "SOF 2", "SOF 3"]);
}

#[test]
fn frame_is_full_of_packets_from_the_device_as_well() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x81]);
    rig.arm(0x81, &vec![&bytes(64)[..]; 40]);
    assert_eq!(now(rig.host.bulk_in(1, 64 * 40)).map(|bytes| bytes.len()), Ok(64 * 40));
    assert_eq!(packets_by_frame(&rig.fake().log), [19, 19, 2]);
}

#[test]
fn frame_numbers_begin_again_after_2047() {
    let mut rig = Rig::new(Defect::None);
    assert_eq!(now(rig.host.wait_frames(2050)), Ok(()));
    assert_eq!(rig.fake().log[2046..], ["SOF 2047", "SOF 0", "SOF 1", "SOF 2"]);
}

#[test]
fn reset_brings_back_address_0_and_data0() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.set_address(5)), Ok(()));
    assert_eq!(now(rig.host.bulk_out(1, &[1])), Ok(()));
    assert_eq!(now(rig.host.reset()), Ok(()));
    rig.fake().log.clear();
    assert_eq!(now(rig.host.bulk_out(1, &[2])), Ok(()));
    assert_eq!(rig.fake().log, ["@0.1 OUT DATA0, 1 bytes: ACK"]);
}

#[test]
fn suspended_bus_takes_no_token_until_it_is_resumed() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.suspend()), Ok(()));
    assert_eq!(now(rig.host.bulk_out(1, &[1])), Err(HostError::Suspended { token: "OUT" }));
    assert_eq!(now(rig.host.wait_frames(1)), Err(HostError::Suspended { token: "SOF" }));
    assert_eq!(now(rig.host.resume()), Ok(()));
    assert_eq!(now(rig.host.bulk_out(1, &[1])), Ok(()));
    assert_eq!(rig.fake().log, ["Suspend", "Resume", "@0.1 OUT DATA0, 1 bytes: ACK"]);
}

#[test]
fn device_that_does_not_wake_the_bus_up_times_out() {
    let mut rig = Rig::new(Defect::None);
    assert_eq!(now(rig.host.suspend()), Ok(()));
    let error = now(rig.host.wake_up()).expect_err("the fake device sleeps");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "no remote wake-up for 5000 ms: the device waits for nothing");
}

#[test]
fn device_behind_a_pulled_cable_does_not_answer_and_is_not_found() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.disconnect()), Ok(()));
    let outcome = now(rig.host.bulk_out(1, &[1]));
    assert!(matches!(outcome, Err(HostError::NoAnswer { tries: 3, .. })), "{outcome:?}");
    let outcome = now(rig.host.reset());
    assert!(matches!(outcome, Err(HostError::NoDevice { .. })), "{outcome:?}");
    assert_eq!(now(rig.host.connect()), Ok(()));
    assert_eq!(now(rig.host.reset()), Ok(()));
    assert_eq!(now(rig.host.bulk_out(1, &[1])), Ok(()));
}

#[test]
fn transfer_is_abandoned_where_the_script_says_and_the_next_is_whole() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    let outcome = now(rig.host.abandon_after(2).bulk_out(1, &bytes(200)));
    assert_eq!(outcome, Err(HostError::Abandoned { token: "OUT" }));
    assert_eq!(rig.received(0x01).concat(), bytes(128));
    assert_eq!(now(rig.host.bulk_out(1, &[1])), Ok(()));
}

#[test]
fn setup_in_mid_data_and_a_stage_left_out_begin_anew() {
    let mut rig = Rig::new(Defect::None);
    rig.fake().descriptors.insert(0x4200, bytes(100));
    let setup = requests::get_descriptor(0x42, 0, 0, 100);
    for transactions in 0..4 {
        let outcome = now(rig.host.abandon_after(transactions).control_in(setup));
        assert!(matches!(outcome, Err(HostError::Abandoned { .. })), "{outcome:?}");
        assert_eq!(now(rig.host.control_in(setup)), Ok(bytes(100)), "after {transactions} of 4 transactions");
    }
}
