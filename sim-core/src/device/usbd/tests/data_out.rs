//! OUT endpoints 1 to 7: the host to the endpoint, the endpoint to RAM.

use super::*;

/// The bit of EPDATASTATUS.
fn received(endpoint: u16) -> u32 {
    1 << (16 + endpoint)
}

#[test]
fn enabled_endpoint_takes_nothing_until_size_is_written() {
    for value in [0, 1, u32::MAX] {
        let mut rig = Rig::connected();
        assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Silence);
        rig.write(map::epouten(), 0b11);
        assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Nak);
        rig.write(map::size_epout(1), value);
        assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Ack);
    }
}

#[test]
fn packet_fills_the_endpoint_and_the_end_of_its_transfer_arms_it_again() {
    for endpoint in 1..8 {
        let mut rig = Rig::configured();
        let at = u8::try_from(endpoint).expect("it is 7 at most");
        for data1 in [false, true, false] {
            assert_eq!(rig.host_out_at(at, data1, &bytes(9)), Answer::Ack);
            assert_eq!(rig.events(), ["EVENTS_EPDATA"]);
            assert_eq!(rig.read(map::epdatastatus()), received(endpoint));
            rig.write(map::epdatastatus(), received(endpoint));
            assert_eq!(rig.read(map::size_epout(endpoint)), 9);
            assert_eq!(rig.host_out_at(at, !data1, &bytes(8)), Answer::Nak, "it is full");
            rig.start_out_at(endpoint, 9);
            assert_eq!(rig.host_out_at(at, !data1, &bytes(8)), Answer::Nak, "the transfer runs");
            assert_eq!(rig.read(map::epstatus()), received(endpoint));
            assert_eq!(rig.end_out(), bytes(9));
            assert_eq!(rig.events(), ["EVENTS_STARTED".to_owned(), format!("EVENTS_ENDEPOUT[{endpoint}]")]);
            assert_eq!(rig.read(map::epout_amount(endpoint)), 9);
        }
    }
}

#[test]
fn packet_without_bytes_needs_its_transfer_as_any_other() {
    let mut rig = Rig::configured();
    assert_eq!(rig.host_out_at(1, false, &[]), Answer::Ack);
    assert_eq!(rig.events(), ["EVENTS_EPDATA"]);
    assert_eq!(rig.host_out_at(1, true, &bytes(8)), Answer::Nak);
    assert_eq!(rig.fetch_at(1), []);
    assert_eq!(rig.host_out_at(1, true, &bytes(8)), Answer::Ack);
}

#[test]
fn packet_with_the_wrong_toggle_is_acknowledged_and_not_stored() {
    let mut rig = Rig::configured();
    assert_eq!(rig.host_out_at(1, true, &bytes(8)), Answer::Ack);
    assert_eq!((rig.events(), rig.read(map::epdatastatus())), (vec![], 0));
    assert_eq!(rig.host_out_at(1, false, &bytes(3)), Answer::Ack);
    assert_eq!(rig.fetch_at(1), bytes(3));
    assert_eq!(rig.host_out_at(1, false, &bytes(3)), Answer::Ack, "the ACK before was lost: the host repeats");
    assert_eq!(rig.host_out_at(1, true, &bytes(5)), Answer::Ack);
    assert_eq!(rig.fetch_at(1), bytes(5));
}

#[test]
fn transfer_longer_than_the_packet_moves_what_earlier_ones_have_left() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &[0xAA; 8]);
    rig.fetch_at(1);
    rig.host_out_at(1, true, &[0xBB; 3]);
    rig.start_out_at(1, 10);
    assert_eq!(rig.end_out(), [0xBB, 0xBB, 0xBB, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0, 0]);
    assert_eq!(rig.read(map::epout_amount(1)), 10);
}

#[test]
fn transfer_shorter_than_the_packet_loses_the_rest() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.start_out_at(1, 3);
    assert_eq!(rig.end_out(), bytes(3));
    assert_eq!(rig.host_out_at(1, true, &[0xEE; 2]), Answer::Ack, "the endpoint is armed");
    assert_eq!(rig.fetch_at(1), [0xEE; 2]);
}

#[test]
fn start_without_a_packet_is_reported_and_moves_stale_bytes() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.fetch_at(1);
    rig.start_out_at(1, 8);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
    assert_eq!(rig.end_out(), bytes(8));
}

#[test]
fn second_arm_loses_the_packet_that_came_in_between() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &[1; 8]);
    rig.write(map::epdatastatus(), received(1));
    rig.fetch_at(1);
    assert_eq!(rig.host_out_at(1, true, &[2; 8]), Answer::Ack);
    rig.write(map::size_epout(1), 0);
    assert_eq!(rig.rules(), [Rule::ArmedTwice]);
    assert_eq!(rig.host_out_at(1, false, &[3; 8]), Answer::Ack, "acknowledged, as if there were room");
    assert_eq!(rig.fetch_at(1), [3; 8], "the second packet is gone");
}

#[test]
fn second_arm_of_an_empty_endpoint_is_reported_and_does_no_harm() {
    let mut rig = Rig::connected();
    rig.write(map::epouten(), 0b11);
    rig.write(map::size_epout(1), 0);
    rig.write(map::size_epout(1), 0);
    assert_eq!(rig.rules(), [Rule::ArmedTwice]);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Ack);
    assert_eq!(rig.fetch_at(1), bytes(8));
}

#[test]
fn packet_that_was_seen_may_be_dropped() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.write(map::epdatastatus(), received(1));
    rig.write(map::size_epout(1), 0);
    assert_eq!(rig.rules(), []);
    assert_eq!(rig.host_out_at(1, true, &bytes(3)), Answer::Ack);
    assert_eq!(rig.fetch_at(1), bytes(3));
}

#[test]
fn enabling_disarms_and_empties_the_endpoint() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.bus_reset();
    for endpoint in [1, 2] {
        assert_eq!(rig.host_out_at(endpoint, false, &bytes(8)), Answer::Silence);
    }
    rig.write(map::epouten(), 0b111);
    for endpoint in [1, 2] {
        assert_eq!(rig.host_out_at(endpoint, true, &bytes(8)), Answer::Nak);
        rig.write(map::size_epout(endpoint.into()), 0);
    }
    assert_eq!(rig.host_out_at(2, false, &bytes(8)), Answer::Ack);
    assert_eq!(rig.host_out_at(1, true, &bytes(8)), Answer::Ack, "the toggle is as it was");
    assert_eq!(rig.rules(), []);
}

#[test]
fn enabling_what_is_enabled_changes_nothing() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    rig.write(map::epouten(), 0xFF);
    assert_eq!(rig.fetch_at(1), bytes(8));
    assert_eq!(rig.host_out_at(2, false, &bytes(8)), Answer::Ack);
}

#[test]
fn size_is_that_of_its_own_endpoint() {
    let mut rig = Rig::configured();
    for endpoint in 1..8 {
        rig.host_out_at(endpoint, false, &bytes(endpoint));
    }
    for endpoint in 1..8 {
        assert_eq!(rig.read(map::size_epout(endpoint)), endpoint.into());
    }
    assert_eq!(rig.read(map::size_epout(0)), 0);
    assert_eq!(rig.read(map::epdatastatus()), 0xFE_0000);
}
