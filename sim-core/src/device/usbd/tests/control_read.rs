//! Endpoint 0, device to host: SETUP, IN packets, OUT status.

use super::*;

fn asked(length: u16) -> Rig {
    Rig::asked(Setup::get_device_descriptor(length))
}

#[test]
fn setup_is_laid_out_in_its_registers() {
    let mut rig = Rig::connected();
    let setup = Setup { request_type: 0xC1, request: 0x23, value: 0x4567, index: 0x89AB, length: 0xCDEF };
    rig.setup(setup);
    assert_eq!(rig.events(), ["EVENTS_EP0SETUP"]);
    for (offset, byte) in (map::bmrequesttype()..).step_by(4).zip(setup.to_bytes()) {
        assert_eq!(rig.read(offset), byte.into(), "{}", name_of(offset));
    }
    let request_type = rig.read(map::bmrequesttype());
    assert_eq!(map::bmrequesttype::DIRECTION.get(request_type), 1);
    assert_eq!(map::bmrequesttype::TYPE.get(request_type), 2);
    assert_eq!(map::bmrequesttype::RECIPIENT.get(request_type), 1);
}

#[test]
fn setup_is_acknowledged_whatever_goes_on() {
    let mut stalled = asked(18);
    stalled.task(map::tasks_ep0stall());
    let mut armed = asked(18);
    armed.arm(&bytes(18));
    let mut transfer = asked(18);
    transfer.start_in(18);
    for mut rig in [Rig::connected(), asked(18), stalled, armed, transfer] {
        rig.setup(Setup::get_device_descriptor(9));
        assert!(rig.event(map::events_ep0setup()));
    }
}

#[test]
fn endpoint_answers_nak_after_setup_until_software_acts() {
    let mut rig = asked(18);
    assert_eq!(rig.host_in(), Answer::Nak);
    assert_eq!(rig.host_status_out(), Answer::Nak);
    assert_eq!(rig.events(), Vec::<String>::new());
}

#[test]
fn read_of_eighteen_bytes_goes_through_its_three_stages() {
    let mut rig = asked(18);
    rig.start_in(18);
    assert_eq!(rig.events(), ["EVENTS_STARTED"]);
    rig.end_in(&bytes(18));
    assert_eq!(rig.events(), ["EVENTS_ENDEPIN[0]"]);
    assert_eq!(rig.host_in(), data(true, &bytes(18)));
    assert_eq!(rig.events(), ["EVENTS_EP0DATADONE"]);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_status_out(), Answer::Ack);
    assert_eq!(rig.events(), Vec::<String>::new(), "no event says that the status stage is over");
}

#[test]
fn read_of_many_packets_alternates_the_toggle() {
    let mut rig = asked(130);
    let all = bytes(130);
    for (chunk, data1) in all.chunks(PACKET_SIZE).zip([true, false, true]) {
        rig.arm(chunk);
        assert_eq!(rig.host_in(), data(data1, chunk));
    }
}

#[test]
fn read_that_ends_on_a_full_packet_is_closed_by_an_empty_one() {
    let mut rig = asked(255);
    rig.arm(&bytes(64));
    assert_eq!(rig.host_in(), data(true, &bytes(64)));
    rig.events();
    rig.start_in(0);
    rig.end_in(&[]);
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_ENDEPIN[0]"]);
    assert_eq!(rig.read(map::epin_amount(0)), 0);
    assert_eq!(rig.host_in(), data(false, &[]));
    assert_eq!(rig.events(), ["EVENTS_EP0DATADONE"]);
}

#[test]
fn toggle_of_the_next_control_transfer_begins_with_data1() {
    let mut rig = asked(18);
    rig.arm(&bytes(18));
    rig.host_in();
    rig.setup(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    assert_eq!(rig.host_in(), data(true, &bytes(18)));
}

#[test]
fn in_is_answered_nak_until_the_end_of_the_transfer_and_after_the_ack() {
    let mut rig = asked(64);
    rig.start_in(8);
    assert_eq!(rig.host_in(), Answer::Nak, "the transfer still runs");
    rig.end_in(&bytes(8));
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    assert_eq!(rig.host_in(), Answer::Nak, "the host has the packet");
}

#[test]
fn packet_whose_ack_is_lost_is_sent_again() {
    let mut rig = asked(8);
    rig.arm(&bytes(8));
    rig.events();
    for _ in 0..2 {
        assert_eq!(rig.token(0, 0, &Token::In), data(true, &bytes(8)));
        assert_eq!(rig.events(), Vec::<String>::new());
    }
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    assert_eq!(rig.events(), ["EVENTS_EP0DATADONE"]);
}

#[test]
fn setup_discards_the_packet_of_the_read_before() {
    let mut rig = asked(18);
    rig.arm(&bytes(18));
    rig.setup(Setup::get_device_descriptor(9));
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.arm(&bytes(9));
    assert_eq!(rig.host_in(), data(true, &bytes(9)));
}

#[test]
fn status_is_answered_nak_until_it_is_permitted() {
    let mut rig = asked(18);
    rig.arm(&bytes(18));
    rig.host_in();
    assert_eq!(rig.host_status_out(), Answer::Nak);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_status_out(), Answer::Ack);
}

#[test]
fn early_status_is_answered_nak_unless_it_is_permitted() {
    let mut rig = asked(255);
    rig.arm(&bytes(64));
    assert_eq!(rig.host_status_out(), Answer::Nak);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_status_out(), Answer::Ack);
}

#[test]
fn permission_for_the_status_stage_ends_with_its_control_transfer() {
    let mut rig = asked(18);
    rig.task(map::tasks_ep0status());
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!(rig.host_status_out(), Answer::Nak);
}

#[test]
fn stall_lasts_until_the_next_setup() {
    let mut rig = asked(18);
    rig.task(map::tasks_ep0stall());
    for _ in 0..2 {
        assert_eq!(rig.host_in(), Answer::Stall);
        assert_eq!(rig.host_status_out(), Answer::Stall);
    }
    assert_eq!(rig.events(), Vec::<String>::new());
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.arm(&bytes(18));
    assert_eq!(rig.host_in(), data(true, &bytes(18)));
}

#[test]
fn stall_is_stronger_than_an_armed_packet_and_a_permitted_status() {
    let mut rig = asked(18);
    rig.arm(&bytes(18));
    rig.task(map::tasks_ep0status());
    rig.task(map::tasks_ep0stall());
    assert_eq!(rig.host_in(), Answer::Stall);
    assert_eq!(rig.host_status_out(), Answer::Stall);
}

#[test]
fn status_whose_ack_is_lost_is_acknowledged_again() {
    let mut rig = asked(18);
    rig.arm(&bytes(18));
    rig.host_in();
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_status_out(), Answer::Ack);
    assert_eq!(rig.host_status_out(), Answer::Ack);
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!(rig.host_status_out(), Answer::Nak);
}
