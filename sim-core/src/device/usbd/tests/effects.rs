//! What silicon does when a rule is broken, where no other file says it.

use super::*;

fn asked() -> Rig {
    Rig::asked(Setup::get_device_descriptor(255))
}

/// A rig with a transfer that runs.
fn busy() -> Rig {
    let mut rig = asked();
    rig.start_in(18);
    rig
}

#[test]
fn task_while_busy_is_lost() {
    let mut rig = busy();
    rig.task(map::tasks_ep0status());
    rig.task(map::tasks_ep0rcvout());
    assert_eq!(rig.rules(), [Rule::TaskWhileBusy; 2]);
    rig.end_in(&bytes(18));
    assert_eq!(rig.host_status_out(), Answer::Nak);
    rig.setup(control_write(8));
    assert_eq!(rig.host_out(true, &bytes(8)), Answer::Nak);
}

#[test]
fn endpoint_eight_is_endpoint_zero() {
    let mut rig = asked();
    rig.write(map::epstall(), 0x188);
    assert_eq!(rig.rules(), [Rule::EndpointAliased]);
    assert_eq!((rig.host_in(), rig.read(map::halted_epin(0))), (Answer::Stall, 1));
    rig.write(map::dtoggle(), 0x88);
    assert_eq!(rig.rules(), [Rule::EndpointAliased]);
    assert_eq!(rig.read(map::dtoggle()), 0x280, "the toggle of endpoint 0, DATA1 after a SETUP");
    rig.write(map::dtoggle(), 0x71);
    assert_eq!(rig.rules(), [], "bits of no field are no endpoint's number");
}

#[test]
fn status_on_set_address_is_lost() {
    let mut rig = Rig::asked(Setup::set_address(5));
    let before = rig.state();
    rig.task(map::tasks_ep0status());
    rig.rules();
    assert_eq!(rig.state(), before);
}

#[test]
fn start_of_an_out_transfer_beside_an_armed_packet_is_not_reported() {
    let mut rig = Rig::asked(control_write(8));
    rig.task(map::tasks_ep0rcvout());
    rig.host_out(true, &bytes(8));
    rig.arm(&bytes(3));
    rig.start_out(8);
    assert_eq!(rig.rules(), []);
}

#[test]
fn misuse_says_what_to_wait_for() {
    let mut rig = busy();
    rig.task(map::tasks_startepin(0));
    let [misuse] = &rig.take_misuse()[..] else { panic!("one rule was broken") };
    assert_eq!(misuse.what, "TASKS_STARTEPIN[0] while the transfer of EPIN[0] runs: wait for EVENTS_ENDEPIN[0]");
}
