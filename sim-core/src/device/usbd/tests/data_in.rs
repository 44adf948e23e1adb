//! IN endpoints 1 to 7: RAM to the endpoint, the endpoint to the host.

use super::*;

#[test]
fn packet_is_sent_once_with_toggles_that_alternate() {
    for endpoint in 1..8 {
        let mut rig = Rig::configured();
        let at = u8::try_from(endpoint).expect("it is 7 at most");
        assert_eq!(rig.host_in_at(at), Answer::Nak, "nothing is armed");
        for data1 in [false, true, false] {
            rig.arm_at(endpoint, &bytes(8));
            assert_eq!(rig.host_in_at(at), data(data1, &bytes(8)));
            assert_eq!(rig.host_in_at(at), Answer::Nak);
        }
    }
}

#[test]
fn transfer_is_told_by_its_endpoints_own_events_and_bits() {
    for endpoint in 1..8 {
        let mut rig = Rig::configured();
        rig.start_in_at(endpoint, 8);
        assert_eq!(rig.events(), ["EVENTS_STARTED"]);
        assert_eq!(rig.read(map::epstatus()), 1 << endpoint);
        assert_eq!(rig.host_in_at(1), Answer::Nak, "not armed before the END");
        rig.end_in(&bytes(8));
        assert_eq!(rig.events(), [format!("EVENTS_ENDEPIN[{endpoint}]")]);
        assert_eq!(rig.read(map::epin_amount(endpoint)), 8);
        assert_eq!(rig.read(map::epdatastatus()), 0, "the host does not have it yet");
        rig.host_in_at(u8::try_from(endpoint).expect("it is 7 at most"));
        assert_eq!(rig.events(), ["EVENTS_EPDATA"]);
        assert_eq!(rig.read(map::epdatastatus()), 1 << endpoint);
    }
}

#[test]
fn packet_without_bytes_is_sent() {
    let mut rig = Rig::configured();
    rig.arm_at(2, &[]);
    assert_eq!(rig.host_in_at(2), data(false, &[]));
    assert_eq!(rig.read(map::epin_amount(2)), 0);
}

#[test]
fn packet_whose_ack_was_lost_is_sent_again_with_its_toggle() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    rig.events();
    assert_eq!(rig.token(0, 1, &Token::In), data(false, &bytes(8)));
    assert_eq!(rig.token(0, 1, &Token::In), data(false, &bytes(8)));
    assert_eq!((rig.events(), rig.read(map::epdatastatus())), (vec![], 0));
    rig.acknowledge(1);
    assert_eq!(rig.events(), ["EVENTS_EPDATA"]);
    rig.arm_at(1, &bytes(3));
    assert_eq!(rig.host_in_at(1), data(true, &bytes(3)));
}

#[test]
fn ack_for_a_packet_that_was_taken_out_changes_nothing() {
    let mut rig = Rig::configured();
    rig.acknowledge(1);
    assert_eq!((rig.events(), rig.read(map::epdatastatus())), (vec![], 0));
    rig.arm_at(1, &bytes(3));
    assert_eq!(rig.host_in_at(1), data(false, &bytes(3)));
}

#[test]
fn data_event_is_the_edge_of_a_status_bit() {
    let mut rig = Rig::configured();
    let send = |rig: &mut Rig, endpoint: u8| {
        rig.arm_at(endpoint.into(), &bytes(1));
        rig.events();
        rig.host_in_at(endpoint);
        rig.events()
    };
    assert_eq!(send(&mut rig, 1), ["EVENTS_EPDATA"]);
    assert_eq!(send(&mut rig, 1), Vec::<String>::new(), "its bit was left standing");
    assert_eq!(send(&mut rig, 2), ["EVENTS_EPDATA"], "another bit has its own edge");
    rig.write(map::epdatastatus(), map::epdatastatus::EPIN1.mask());
    assert_eq!(rig.read(map::epdatastatus()), map::epdatastatus::EPIN2.mask());
    assert_eq!(send(&mut rig, 1), ["EVENTS_EPDATA"]);
}

#[test]
fn endpoints_hold_packets_side_by_side() {
    let mut rig = Rig::configured();
    rig.setup(Setup::get_device_descriptor(8));
    for endpoint in 0..8 {
        rig.arm_at(endpoint, &[endpoint.to_le_bytes()[0]; 8]);
    }
    for endpoint in (0..8).rev() {
        assert_eq!(rig.host_in_at(endpoint), data(endpoint == 0, &[endpoint; 8]));
    }
}

#[test]
fn endpoint_that_is_not_enabled_keeps_its_packet_and_does_not_answer() {
    let mut rig = Rig::configured();
    rig.arm_at(3, &bytes(8));
    rig.write(map::epinen(), 1);
    assert_eq!(rig.host_in_at(3), Answer::Silence);
    rig.write(map::epinen(), 1 | 1 << 3);
    assert_eq!(rig.host_in_at(3), data(false, &bytes(8)));
}

#[test]
fn armed_packet_survives_a_bus_reset_which_disables_its_endpoint() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    rig.bus_reset();
    assert_eq!(rig.host_in_at(1), Answer::Silence);
    rig.write(map::epinen(), 0b11);
    assert_eq!(rig.host_in_at(1), data(false, &bytes(8)), "a driver is to take it out first");
}

#[test]
fn power_down_forgets_the_packet_and_the_toggle() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    rig.host_in_at(1);
    rig.arm_at(1, &bytes(8));
    rig.write(map::enable(), 0);
    rig.write(map::enable(), 1);
    rig.power_up_done();
    rig.write(map::usbpullup(), 1);
    rig.write(map::epinen(), 0b11);
    assert_eq!(rig.read(map::epdatastatus()), 0);
    assert_eq!(rig.host_in_at(1), Answer::Nak);
    rig.arm_at(1, &bytes(3));
    assert_eq!(rig.host_in_at(1), data(false, &bytes(3)));
}

#[test]
fn transfer_is_not_caught_by_a_setup_of_endpoint_zero() {
    let mut rig = Rig::configured();
    rig.start_in_at(1, 8);
    rig.setup(Setup::get_device_descriptor(18));
    rig.end_in(&bytes(8));
    assert_eq!(rig.host_in_at(1), data(false, &bytes(8)));
}

#[test]
fn start_over_an_armed_packet_is_reported_and_overwrites_it() {
    let mut rig = Rig::configured();
    rig.arm_at(5, &bytes(8));
    rig.start_in_at(5, 3);
    assert_eq!(rig.rules(), [Rule::StartWhileArmed]);
    assert_eq!(rig.host_in_at(5), Answer::Nak);
    rig.end_in(&[0xEE; 3]);
    assert_eq!(rig.host_in_at(5), data(false, &[0xEE; 3]));
}

#[test]
fn setup_and_endpoints_beyond_the_last_are_not_answered() {
    let mut rig = Rig::configured();
    let setup = Token::Setup(no_data().to_bytes());
    assert_eq!(rig.token(0, 1, &setup), Answer::Silence);
    for endpoint in [8, 9, 15, 31, 32, 255] {
        for token in [setup, Token::In, Token::Out { data1: false, packet: Packet::EMPTY }] {
            assert_eq!(rig.token(0, endpoint, &token), Answer::Silence, "endpoint {endpoint}");
        }
        rig.acknowledge(endpoint);
    }
    assert_eq!(rig.events(), Vec::<String>::new());
}
