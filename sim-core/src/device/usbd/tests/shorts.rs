//! Shortcuts: tasks that events trigger in hardware, at the event's edge.

use super::*;

/// A control read whose packet the host has yet to take.
fn armed(shorts: u32) -> Rig {
    let mut rig = Rig::asked(Setup::get_device_descriptor(255));
    rig.arm(&bytes(8));
    rig.events();
    rig.write(map::shorts(), shorts);
    rig
}

/// A control write whose packet the host has yet to send.
fn permitted(shorts: u32) -> Rig {
    let mut rig = Rig::asked(control_write(64));
    rig.write(map::epout_ptr(0), ADDRESS);
    rig.write(map::epout_maxcnt(0), 8);
    rig.task(map::tasks_ep0rcvout());
    rig.write(map::shorts(), shorts);
    rig
}

/// A control write whose packet is on its way to memory.
fn fetching(shorts: u32) -> Rig {
    let mut rig = permitted(0);
    assert_eq!(rig.host_out(true, &bytes(8)), Answer::Ack);
    rig.start_out(8);
    rig.events();
    rig.write(map::shorts(), shorts);
    rig
}

#[test]
fn event_without_a_shortcut_triggers_nothing() {
    let mut rig = armed(0);
    rig.host_in();
    assert_eq!(rig.job(), None);
    assert_eq!(rig.host_status_out(), Answer::Nak);
    let mut rig = permitted(0);
    rig.host_out(true, &bytes(8));
    assert_eq!(rig.job(), None);
    let mut rig = fetching(0);
    rig.end_out();
    assert_eq!(rig.host_in(), Answer::Nak);
    assert_eq!(rig.host_out(false, &bytes(8)), Answer::Nak);
}

#[test]
fn packet_taken_by_the_host_starts_the_next_transfer() {
    let mut rig = armed(map::shorts::EP0DATADONE_STARTEPIN0.mask());
    rig.write(map::epin_ptr(0), ADDRESS + 8);
    rig.write(map::epin_maxcnt(0), 5);
    assert_eq!(rig.host_in(), data(true, &bytes(8)));
    let job = rig.job().expect("the shortcut has started it");
    assert_eq!((job.direction, job.address), (Direction::MemoryToDevice, BusAddress::new(ADDRESS + 8)));
    assert_eq!(job.payload.length(), 5);
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_EP0DATADONE"]);
    rig.end_in(&bytes(5));
    assert_eq!(rig.host_in(), data(false, &bytes(5)));
}

#[test]
fn packet_from_the_host_starts_its_transfer() {
    let mut rig = permitted(map::shorts::EP0DATADONE_STARTEPOUT0.mask());
    assert_eq!(rig.host_out(true, &bytes(8)), Answer::Ack);
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_EP0DATADONE"]);
    assert_eq!(rig.end_out(), bytes(8));
}

#[test]
fn packet_taken_by_the_host_permits_the_status_stage() {
    let mut rig = armed(map::shorts::EP0DATADONE_EP0STATUS.mask());
    assert_eq!(rig.host_status_out(), Answer::Nak);
    rig.host_in();
    assert_eq!(rig.host_status_out(), Answer::Ack);
}

#[test]
fn end_of_an_out_transfer_permits_the_status_stage() {
    let mut rig = fetching(map::shorts::ENDEPOUT0_EP0STATUS.mask());
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.end_out();
    assert_eq!(rig.host_in(), status());
}

#[test]
fn end_of_an_out_transfer_permits_the_next_packet() {
    let mut rig = fetching(map::shorts::ENDEPOUT0_EP0RCVOUT.mask());
    assert_eq!(rig.host_out(false, &bytes(3)), Answer::Nak);
    rig.end_out();
    assert_eq!(rig.host_out(false, &bytes(3)), Answer::Ack);
}

#[test]
fn end_of_an_in_transfer_has_no_shortcut() {
    let all = map::shorts::FIELDS.iter().fold(0, |bits, field| bits | field.mask());
    let mut rig = Rig::asked(Setup::get_device_descriptor(255));
    rig.write(map::shorts(), all);
    rig.arm(&bytes(8));
    assert_eq!(rig.host_status_out(), Answer::Nak);
    assert_eq!(rig.events(), ["EVENTS_STARTED", "EVENTS_ENDEPIN[0]"]);
}

#[test]
fn shortcut_runs_although_the_event_was_set_before() {
    let mut rig = armed(0);
    rig.host_in();
    rig.arm(&bytes(8));
    rig.write(map::shorts(), map::shorts::EP0DATADONE_STARTEPIN0.mask());
    assert!(rig.event(map::events_ep0datadone()));
    rig.host_in();
    assert!(rig.job().is_some());

    let mut rig = fetching(0);
    rig.end_out();
    rig.task(map::tasks_ep0rcvout());
    rig.host_out(false, &bytes(8));
    rig.start_out(8);
    rig.write(map::shorts(), map::shorts::ENDEPOUT0_EP0STATUS.mask());
    assert!(rig.event(map::events_endepout(0)));
    rig.end_out();
    assert_eq!(rig.host_in(), status());
}

#[test]
fn shortcut_set_after_the_event_does_not_run() {
    let mut rig = armed(0);
    rig.host_in();
    rig.write(map::shorts(), map::shorts::EP0DATADONE_EP0STATUS.mask());
    assert_eq!(rig.host_status_out(), Answer::Nak);
}

#[test]
fn shortcut_chain_receives_a_whole_control_write() {
    let chain = map::shorts::EP0DATADONE_STARTEPOUT0.mask() | map::shorts::ENDEPOUT0_EP0RCVOUT.mask();
    let mut rig = permitted(chain);
    for (chunk, data1) in [(1, true), (2, false), (3, true)] {
        assert_eq!(rig.host_out(data1, &[chunk; 8]), Answer::Ack);
        assert_eq!(rig.host_out(!data1, &[0; 8]), Answer::Nak, "the transfer runs");
        assert_eq!(rig.end_out(), [chunk; 8]);
    }
}

#[test]
fn shortcut_that_starts_an_out_transfer_on_an_in_packet_is_reported() {
    let mut rig = armed(map::shorts::EP0DATADONE_STARTEPOUT0.mask());
    rig.host_in();
    assert_eq!(rig.rules(), [Rule::StartWithoutPacket]);
}

#[test]
fn shortcuts_of_one_event_compete_for_the_engine() {
    let mut rig = armed(map::shorts::EP0DATADONE_STARTEPIN0.mask() | map::shorts::EP0DATADONE_EP0STATUS.mask());
    rig.host_in();
    assert_eq!(rig.rules(), [Rule::TaskWhileBusy]);
    rig.end_in(&bytes(8));
    assert_eq!(rig.host_status_out(), Answer::Nak);
}
