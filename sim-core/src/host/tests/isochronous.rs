//! Isochronous packets: one a frame, lost if they are lost.

use super::*;

fn rig() -> Rig {
    Rig::with_endpoints(Defect::None, &[0x08, 0x88])
}

#[test]
fn packets_go_one_a_frame_in_each_direction() {
    let mut rig = rig();
    {
        let mut fake = rig.fake();
        let endpoint = fake.endpoints.get_mut(&0x88).expect("it has one");
        endpoint.packets.extend([bytes(1023), Vec::new()]);
    }
    assert_eq!(now(rig.host.isochronous_in()), Ok(Some(bytes(1023))));
    assert_eq!(now(rig.host.isochronous_out(&bytes(100))), Ok(()));
    assert_eq!(now(rig.host.isochronous_in()), Ok(Some(Vec::new())));
    assert_eq!(now(rig.host.isochronous_in()), Ok(None), "the device has none, and that is no error");
    let due = ["isochronous IN", "isochronous OUT", "SOF 1", "isochronous IN", "SOF 2", "isochronous IN"];
    assert_eq!(rig.fake().log, due);
    assert_eq!(rig.received(0x08), [bytes(100)]);
}

#[test]
fn two_long_packets_need_two_frames() {
    let mut rig = rig();
    assert_eq!(now(rig.host.isochronous_out(&bytes(1023))), Ok(()));
    assert_eq!(now(rig.host.isochronous_in()), Ok(None));
    assert_eq!(rig.fake().log, ["isochronous OUT", "SOF 1", "isochronous IN"], "1032 bytes each, of 1500");
}

#[test]
fn lost_and_corrupted_packets_do_not_come_again() {
    for fault in [Fault::LostToken, Fault::CorruptedPacket] {
        let mut rig = rig();
        assert_eq!(now(rig.host.with_fault(fault).isochronous_out(&[1])), Ok(()));
        assert_eq!(now(rig.host.isochronous_out(&[2])), Ok(()));
        assert_eq!(rig.received(0x08), [[2]], "{fault}");
    }
}

#[test]
fn packet_that_is_too_long_is_not_sent_and_one_that_came_is_babble() {
    let mut rig = rig();
    let outcome = now(rig.host.isochronous_out(&bytes(1024)));
    assert_eq!(outcome, Err(HostError::Length { declared: 1023, length: 1024 }));
    rig.fake().endpoints.get_mut(&0x88).expect("it has one").packets.push_back(bytes(1024));
    assert_eq!(now(rig.host.isochronous_in()), Err(HostError::Babble { endpoint: 8, most: 1023, got: 1024 }));
}

#[test]
fn endpoint_8_has_isochronous_transfers_only() {
    let mut rig = rig();
    let outcome = now(rig.host.bulk_in(8, 64));
    assert!(matches!(outcome, Err(HostError::Endpoint { endpoint: 8, .. })), "{outcome:?}");
}
