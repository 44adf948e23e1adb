//! Control transfers, their lengths, and what a script may get wrong.

use super::*;
use crate::host::requests::get_descriptor;

/// A descriptor type that is nobody's.
const KIND: u8 = 0x42;

fn rig(defect: Defect, packet_size: usize, length: usize) -> Rig {
    let mut rig = Rig::new(defect);
    rig.fake().packet_size = packet_size;
    rig.fake().descriptors.insert(u16::from_be_bytes([KIND, 0]), bytes(length));
    rig.host.set_control_packet_size(u8::try_from(packet_size).expect("at most 64"));
    rig
}

fn read(rig: &mut Rig, asked: u16) -> Result<Vec<u8>, HostError> {
    now(rig.host.control_in(get_descriptor(KIND, 0, 0, asked)))
}

#[test]
fn read_brings_what_there_is_up_to_what_was_asked_for() {
    for packet_size in [8, 64] {
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 128, 300] {
            for asked in [1, 8, 64, 128, 255] {
                let mut rig = rig(Defect::None, packet_size, length);
                let due = bytes(length.min(usize::from(asked)));
                assert_eq!(read(&mut rig, asked), Ok(due), "{length} of {asked} in packets of {packet_size}");
            }
        }
    }
}

#[test]
fn read_of_a_multiple_of_the_packet_size_without_an_empty_packet_times_out() {
    let mut rig = rig(Defect::NoEmptyPacket, 64, 64);
    assert_eq!(read(&mut rig, 64), Ok(bytes(64)), "none is due where all was sent that was asked for");
    let error = read(&mut rig, 255).expect_err("the host waits for the end");
    assert!(error.is_timeout(), "{error}");
    let text = "IN at address 0, endpoint 0, was answered with NAK for 5000 ms: the device waits for nothing";
    assert_eq!(error.to_string(), text);
    assert!(rig.host.clock().bit_times() >= 5000 * 12_000, "the host's time has passed");
}

#[test]
fn request_without_data_stage_has_its_status_stage_to_the_host() {
    let mut rig = rig(Defect::None, 64, 18);
    assert_eq!(read(&mut rig, 0), Ok(Vec::new()));
    assert_eq!(rig.fake().log, ["@0.0 SETUP 80 06 00 42 00 00 00 00: ACK", "@0.0 IN: DATA1, 0 bytes"]);
}

#[test]
fn longest_data_stages_come_whole() {
    let mut rig = rig(Defect::None, 64, 65_535);
    assert_eq!(read(&mut rig, 65_535), Ok(bytes(65_535)));
    let setup = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 65_535 };
    assert_eq!(now(rig.host.control_out(setup, &bytes(65_535))), Ok(()));
    assert_eq!(rig.fake().written, bytes(65_535));
}

#[test]
fn device_that_sends_more_than_wlength_is_noticed() {
    let mut rig = rig(Defect::SendsAll, 64, 18);
    assert_eq!(read(&mut rig, 8), Err(HostError::TooLong { endpoint: 0, asked: 8, got: 18 }));
}

#[test]
fn packet_longer_than_the_packet_size_is_babble() {
    let mut rig = rig(Defect::None, 64, 18);
    rig.host.set_control_packet_size(8);
    assert_eq!(read(&mut rig, 18), Err(HostError::Babble { endpoint: 0, most: 8, got: 18 }));
}

#[test]
fn device_that_never_answers_is_asked_three_times() {
    let mut rig = rig(Defect::Deaf, 64, 18);
    let error = read(&mut rig, 18).expect_err("nobody answers");
    assert_eq!(error, HostError::NoAnswer { token: "SETUP", address: 0, endpoint: 0, tries: 3 });
    assert_eq!(rig.fake().logged("@0.0 SETUP"), 3);
    assert_eq!(error.to_string(), "no answer to SETUP at address 0, endpoint 0: 3 tries");
}

#[test]
fn device_that_is_busy_for_ever_times_out_after_the_hosts_patience() {
    let mut rig = rig(Defect::Busy, 64, 18);
    rig.host.set_patience_ms(500);
    let error = read(&mut rig, 18).expect_err("it answers NAK");
    let HostError::Timeout { milliseconds: 500, token: "IN", .. } = error else {
        panic!("{error}");
    };
    assert_eq!(rig.fake().logged("SOF"), 8, "after 1, 2, 4, ... 128 ms: a device may wait for frames");
}

#[test]
fn device_that_refuses_is_not_asked_again() {
    let mut rig = rig(Defect::None, 64, 18);
    let unknown = get_descriptor(0x55, 0, 0, 8);
    assert_eq!(now(rig.host.control_in(unknown)), Err(HostError::Stalled { token: "IN", endpoint: 0 }));
    assert_eq!(rig.fake().logged("@0.0 IN"), 1);
}

#[test]
fn toggle_that_does_not_advance_is_noticed() {
    let mut rig = rig(Defect::StuckToggle, 64, 65);
    assert_eq!(read(&mut rig, 65), Err(HostError::Toggle { endpoint: 0, expected: 0, got: 1 }));
}

#[test]
fn first_packet_of_a_data_stage_is_no_repeat_of_the_transfer_before() {
    let mut rig = rig(Defect::None, 64, 8);
    assert_eq!(read(&mut rig, 8), Ok(bytes(8)));
    rig.fake().defect = Defect::BeginsWithData0;
    rig.fake().log.clear();
    assert_eq!(read(&mut rig, 8), Err(HostError::Toggle { endpoint: 0, expected: 1, got: 0 }));
    assert_eq!(rig.fake().logged("@0.0 IN"), 1, "the same bytes, and it is not asked again");
}

#[test]
fn device_that_changes_its_address_too_early_is_not_found_in_the_status_stage() {
    let outcome = |defect| now(rig(defect, 64, 18).host.set_address(5));
    assert_eq!(outcome(Defect::None), Ok(()));
    let no_answer = HostError::NoAnswer { token: "IN", address: 0, endpoint: 0, tries: 3 };
    assert_eq!(outcome(Defect::HastyAddress), Err(no_answer));
}

#[test]
fn script_with_a_data_stage_of_another_length_is_told_so() {
    let mut rig = rig(Defect::None, 64, 18);
    let setup = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 4 };
    let outcome = now(rig.host.control_out(setup, &[1, 2, 3]));
    assert_eq!(outcome, Err(HostError::Length { declared: 4, length: 3 }));
    assert!(rig.fake().log.is_empty(), "nothing was sent");
}
