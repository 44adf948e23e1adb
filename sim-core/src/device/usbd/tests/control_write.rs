//! Endpoint 0, host to device: SETUP, OUT packets, IN status; no data.

use super::*;

fn asked(length: u16) -> Rig {
    Rig::asked(control_write(length))
}

/// A control write whose first packet has arrived; all events are cleared.
fn received(length: u8) -> Rig {
    let mut rig = asked(length.into());
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(true, &bytes(length)), Answer::Ack);
    rig.events();
    rig
}

#[test]
fn write_of_seven_bytes_goes_through_its_three_stages() {
    let mut rig = asked(7);
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.events(), Vec::<String>::new());
    assert_eq!(rig.host_out(true, &bytes(7)), Answer::Ack);
    assert_eq!(rig.events(), ["EVENTS_EP0DATADONE"]);
    assert_eq!(rig.read(map::size_epout(0)), 7);
    rig.start_out(7);
    assert_eq!(rig.events(), ["EVENTS_STARTED"]);
    assert_eq!(rig.end_out(), bytes(7));
    assert_eq!(rig.events(), ["EVENTS_ENDEPOUT[0]"]);
    assert_eq!(rig.read(map::epout_amount(0)), 7);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.events(), Vec::<String>::new(), "no event says that the status stage is over");
}

#[test]
fn write_of_many_packets_alternates_the_toggle() {
    let mut rig = asked(130);
    let all = bytes(130);
    for (chunk, data1) in all.chunks(PACKET_SIZE).zip([true, false, true]) {
        rig.task(map::tasks_ep0rcvout());
        assert_eq!(rig.host_out(data1, chunk), Answer::Ack);
        let size = rig.read(map::size_epout(0));
        assert_eq!(size as usize, chunk.len());
        rig.start_out(size);
        assert_eq!(rig.end_out(), chunk);
    }
}

#[test]
fn out_is_answered_nak_until_it_is_permitted() {
    let mut rig = asked(7);
    assert_eq!(rig.host_out(true, &bytes(7)), Answer::Nak);
    assert_eq!(rig.events(), Vec::<String>::new());
    assert_eq!(rig.read(map::size_epout(0)), 0);
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(true, &bytes(7)), Answer::Ack);
}

#[test]
fn permission_is_for_one_packet() {
    let mut rig = received(64);
    rig.start_out(64);
    rig.end_out();
    assert_eq!(rig.host_out(false, &bytes(6)), Answer::Nak);
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(false, &bytes(6)), Answer::Ack);
}

#[test]
fn packet_is_not_taken_while_the_one_before_waits() {
    let mut rig = received(64);
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(false, &bytes(6)), Answer::Nak, "the packet before waits for its transfer");
    rig.start_out(64);
    assert_eq!(rig.host_out(false, &bytes(6)), Answer::Nak, "the transfer still runs");
    assert_eq!(rig.end_out(), bytes(64));
    assert_eq!(rig.host_out(false, &bytes(6)), Answer::Ack);
}

#[test]
fn packet_that_is_repeated_is_acknowledged_and_not_stored() {
    let mut rig = received(7);
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(true, &[0xFF; 9]), Answer::Ack);
    assert_eq!(rig.events(), Vec::<String>::new());
    assert_eq!(rig.read(map::size_epout(0)), 7);
    rig.start_out(7);
    assert_eq!(rig.end_out(), bytes(7));
    assert_eq!(rig.host_out(false, &[0xEE; 2]), Answer::Ack);
    assert_eq!(rig.host_out(false, &[0xDD; 3]), Answer::Ack, "a repetition needs no permission");
    assert_eq!(rig.read(map::size_epout(0)), 2);
}

#[test]
fn transfer_shorter_than_the_packet_loses_the_rest() {
    let mut rig = received(8);
    rig.start_out(5);
    assert_eq!(rig.end_out(), bytes(5));
    assert_eq!(rig.read(map::epout_amount(0)), 5);
    assert_eq!(rig.read(map::size_epout(0)), 8);
    rig.start_out(3);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
}

#[test]
fn transfer_longer_than_the_packet_ends_with_stale_bytes() {
    let mut rig = received(64);
    rig.start_out(64);
    rig.end_out();
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.host_out(false, &[0xEE; 3]), Answer::Ack);
    rig.start_out(6);
    assert_eq!(rig.end_out(), [0xEE, 0xEE, 0xEE, 4, 5, 6]);
    assert_eq!(rig.read(map::epout_amount(0)), 6);
}

#[test]
fn empty_packet_is_fetched_by_an_empty_transfer() {
    let mut rig = received(64);
    rig.start_out(64);
    rig.end_out();
    rig.task(map::tasks_ep0rcvout());
    rig.events();
    assert_eq!(rig.host_out(false, &[]), Answer::Ack);
    assert_eq!(rig.read(map::size_epout(0)), 0);
    rig.start_out(0);
    assert_eq!(rig.end_out(), []);
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_EP0DATADONE", "EVENTS_ENDEPOUT[0]"]);
    assert_eq!(rig.read(map::epout_amount(0)), 0);
}

#[test]
fn status_of_a_write_is_answered_nak_until_it_is_permitted() {
    let mut rig = received(7);
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
}

#[test]
fn request_without_data_needs_the_status_stage_only() {
    let mut rig = Rig::asked(no_data());
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.events(), Vec::<String>::new());
}

#[test]
fn request_for_no_bytes_has_no_data_stage_in_either_direction() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(0));
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.events(), Vec::<String>::new());
}

#[test]
fn request_without_data_is_refused_by_a_stall() {
    let mut rig = Rig::asked(no_data());
    rig.task(map::tasks_ep0stall());
    assert_eq!(rig.host_in(), Answer::Stall);
    rig.setup(no_data());
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn write_is_refused_by_a_stall() {
    let mut rig = asked(7);
    rig.task(map::tasks_ep0rcvout());
    rig.task(map::tasks_ep0stall());
    assert_eq!(rig.host_out(true, &bytes(7)), Answer::Stall);
    assert_eq!(rig.events(), Vec::<String>::new());
}

#[test]
fn set_address_is_answered_by_hardware() {
    let mut rig = Rig::connected();
    rig.setup(Setup::set_address(5));
    assert_eq!(rig.events(), ["EVENTS_EP0SETUP"]);
    assert_eq!(rig.read(map::usbaddr()), 0, "the status stage still goes to the old address");
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.read(map::usbaddr()), 5);
    assert_eq!(rig.host_in(), Answer::Silence);
    let setup = Token::Setup(Setup::get_device_descriptor(18).to_bytes());
    assert_eq!(rig.token(5, 0, &setup), Answer::Ack);
}

#[test]
fn address_is_taken_over_only_with_the_hosts_ack() {
    let mut rig = Rig::asked(Setup::set_address(5));
    assert_eq!(rig.token(0, 0, &Token::In), status());
    assert_eq!(rig.read(map::usbaddr()), 0);
    rig.setup(no_data());
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.read(map::usbaddr()), 0);
}

#[test]
fn address_has_seven_bits() {
    let mut rig = Rig::asked(Setup { value: 0xFF85, ..Setup::set_address(0) });
    rig.host_in();
    assert_eq!(rig.read(map::usbaddr()), 5);
    assert_eq!(rig.token(5, 0, &Token::Setup(no_data().to_bytes())), Answer::Ack);
}

#[test]
fn size_is_that_of_the_last_packet_until_the_next() {
    let mut rig = received(7);
    rig.start_out(7);
    rig.end_out();
    rig.setup(control_write(8));
    assert_eq!(rig.read(map::size_epout(0)), 7);
    rig.task(map::tasks_ep0rcvout());
    rig.host_out(true, &bytes(8));
    assert_eq!(rig.read(map::size_epout(0)), 8);
}

#[test]
fn request_that_only_looks_like_set_address_is_left_to_software() {
    for setup in [Setup { request_type: 0x21, ..Setup::set_address(5) }, Setup { request: 6, ..Setup::set_address(5) }]
    {
        let mut rig = Rig::asked(setup);
        assert_eq!(rig.host_in(), Answer::Nak);
        rig.task(map::tasks_ep0status());
        assert_eq!(rig.host_in(), status());
        assert_eq!(rig.read(map::usbaddr()), 0);
    }
}

#[test]
fn permission_outlives_its_control_transfer() {
    let mut rig = asked(7);
    rig.task(map::tasks_ep0rcvout());
    rig.setup(control_write(7));
    assert_eq!(rig.host_out(true, &bytes(7)), Answer::Ack);
}

#[test]
fn packet_that_was_not_fetched_does_not_outlive_its_control_transfer() {
    let mut rig = received(7);
    rig.setup(control_write(7));
    // Who has looked before the SETUP came cannot know.
    rig.start_out(7);
    assert_eq!(rig.rules(), []);
    rig.end_out();
    // Who has seen it can.
    rig.write(map::events_ep0setup(), 0);
    rig.start_out(7);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
}

/// As many SETUPs as come before the driver looks: the first has dropped the packet.
#[test]
fn packet_that_several_setups_have_overtaken_is_fetched_by_who_has_seen_none() {
    let mut rig = received(7);
    rig.setup(control_write(7));
    rig.setup(control_write(7));
    rig.start_out(7);
    assert_eq!(rig.rules(), []);
    rig.end_out();
    // There was one.
    rig.start_out(7);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
    rig.end_out();
    rig.write(map::events_ep0setup(), 0);
    // What the third has dropped is nothing.
    rig.setup(control_write(7));
    rig.start_out(7);
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
}

/// Who asks for the next packet has done with the one that a SETUP has dropped.
#[test]
fn packet_that_a_setup_has_dropped_is_not_fetched_after_size_was_written() {
    for (asks_for_the_next, rules) in [(false, &[][..]), (true, &[Rule::StartWithoutPacket])] {
        let mut rig = received(7);
        rig.setup(control_write(7));
        if asks_for_the_next {
            rig.write(map::size_epout(0), 0);
        }
        rig.start_out(7);
        assert_eq!(rig.rules(), rules);
    }
}

#[test]
fn status_whose_ack_is_lost_is_sent_again() {
    let mut rig = Rig::asked(no_data());
    rig.task(map::tasks_ep0status());
    assert_eq!(rig.host_in(), status());
    assert_eq!(rig.host_in(), status());
    rig.setup(no_data());
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn size_written_permits_the_next_packet() {
    for value in [0, 1, u32::MAX] {
        let mut rig = asked(7);
        rig.write(map::size_epout(0), value);
        assert_eq!(rig.host_out(true, &bytes(7)), Answer::Ack);
        assert_eq!(rig.read(map::size_epout(0)), 7);
        rig.start_out(7);
        assert_eq!(rig.end_out(), bytes(7));
    }
}

#[test]
fn size_written_while_a_packet_waits_drops_it() {
    let mut rig = received(64);
    rig.write(map::size_epout(0), 0);
    assert_eq!(rig.host_out(false, &[0xEE; 3]), Answer::Ack);
    rig.start_out(3);
    assert_eq!(rig.end_out(), [0xEE; 3]);
}

#[test]
fn size_written_during_a_transfer_is_lost() {
    let mut rig = received(64);
    rig.start_out(64);
    rig.write(map::size_epout(0), 0);
    assert_eq!(rig.rules(), [Rule::AccessDuringTransfer]);
    rig.end_out();
    assert_eq!(rig.host_out(false, &[0xEE; 3]), Answer::Nak);
}
