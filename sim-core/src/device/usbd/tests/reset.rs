//! What a bus reset and a new SETUP do to what is under way.

use super::*;

#[test]
fn bus_reset_clears_the_address_and_enables_endpoint_zero_only() {
    let mut rig = Rig::asked(Setup::set_address(5));
    rig.host_in();
    rig.write(map::epinen(), 0x1FF);
    rig.write(map::epouten(), 0x1FE);
    rig.bus_reset();
    assert_eq!(rig.events(), ["EVENTS_USBRESET"]);
    assert_eq!(rig.read(map::usbaddr()), 0);
    assert_eq!((rig.read(map::epinen()), rig.read(map::epouten())), (1, 1));
}

#[test]
fn bus_reset_leaves_the_other_registers_alone() {
    let mut rig = Rig::connected();
    rig.setup(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    rig.write(map::shorts(), 4);
    rig.write(map::intenset(), 0x1FF);
    let changed = [map::events_usbreset()];
    let before: Vec<u32> = every_register().map(|(_, offset)| rig.read(offset)).collect();
    rig.rules();
    rig.bus_reset();
    for ((_, offset), before) in every_register().zip(before) {
        let expected = if changed.contains(&offset) { 1 } else { before };
        assert_eq!(rig.read(offset), expected, "{}", name_of(offset));
    }
    rig.rules();
}

#[test]
fn bus_reset_does_not_reach_a_device_that_is_not_connected() {
    for mut rig in [Rig::off(), Rig::ready(Options::ideal())] {
        let before = rig.state();
        rig.bus_reset();
        assert_eq!(rig.state(), before);
    }
}

#[test]
fn armed_packet_survives_a_bus_reset_until_the_next_setup() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    rig.bus_reset();
    assert_eq!(rig.token(0, 0, &Token::In), data(true, &bytes(18)));
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!(rig.host_in(), Answer::Nak);
}

#[test]
fn stall_survives_a_bus_reset_until_the_next_setup() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.task(map::tasks_ep0stall());
    rig.bus_reset();
    assert_eq!(rig.host_in(), Answer::Stall);
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!(rig.host_in(), Answer::Nak);
}

/// A chip that was reset during a transfer, and that transfer; all events are cleared.
fn reset_during_transfer(end_on_reset: EndOnReset) -> (Rig, Job) {
    let mut rig = Rig::with(Options { end_on_reset, ..Options::ideal() });
    rig.setup(Setup::get_device_descriptor(18));
    rig.start_in(18);
    let job = rig.job().expect("it was started").clone();
    rig.events();
    rig.bus_reset();
    assert_eq!(rig.events(), ["EVENTS_USBRESET"]);
    (rig, job)
}

#[test]
fn transfer_caught_by_a_bus_reset_runs_to_its_end() {
    let (mut rig, job) = reset_during_transfer(EndOnReset::Fires);
    assert_eq!(rig.job(), Some(&job));
    rig.end_in(&bytes(18));
    assert_eq!(rig.events(), ["EVENTS_ENDEPIN[0]"]);
    assert_eq!(rig.read(map::epin_amount(0)), 18);
}

#[test]
fn transfer_caught_by_a_bus_reset_never_ends_if_so_chosen() {
    let (mut rig, job) = reset_during_transfer(EndOnReset::Never);
    assert_eq!(rig.job(), None);
    rig.complete(job.id, &job.payload);
    assert_eq!(rig.events(), Vec::<String>::new());
    assert_eq!(rig.read(map::epin_amount(0)), 0);
    rig.setup(Setup::get_device_descriptor(18));
    rig.arm(&bytes(18));
    assert_eq!(rig.host_in(), data(true, &bytes(18)), "the engine is idle");
}

#[test]
fn in_transfer_caught_by_a_setup_ends_and_does_not_arm() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    rig.start_in(18);
    rig.setup(Setup::get_device_descriptor(9));
    rig.events();
    rig.end_in(&bytes(18));
    assert_eq!(rig.events(), ["EVENTS_ENDEPIN[0]"]);
    assert_eq!(rig.read(map::epin_amount(0)), 18);
    assert_eq!(rig.host_in(), Answer::Nak);
    rig.arm(&bytes(9));
    assert_eq!(rig.host_in(), data(true, &bytes(9)), "the next transfer arms again");
}

#[test]
fn out_transfer_caught_by_a_setup_ends_with_its_own_bytes() {
    let mut rig = Rig::asked(control_write(8));
    rig.task(map::tasks_ep0rcvout());
    rig.host_out(true, &bytes(8));
    rig.start_out(8);
    rig.setup(control_write(8));
    rig.events();
    assert_eq!(rig.end_out(), bytes(8));
    assert_eq!(rig.events(), ["EVENTS_ENDEPOUT[0]"]);
    assert_eq!(rig.host_out(true, &bytes(8)), Answer::Nak);
}

#[test]
fn out_transfer_caught_by_a_setup_does_not_drop_the_next_packet() {
    let mut rig = Rig::asked(control_write(8));
    rig.task(map::tasks_ep0rcvout());
    rig.host_out(true, &bytes(8));
    rig.task(map::tasks_ep0rcvout());
    rig.start_out(8);
    rig.setup(control_write(8));
    assert_eq!(rig.host_out(true, &[0xEE; 8]), Answer::Ack, "the permission outlives its control transfer");
    assert_eq!(rig.end_out(), bytes(8));
    rig.start_out(8);
    assert_eq!(rig.end_out(), [0xEE; 8]);
}
