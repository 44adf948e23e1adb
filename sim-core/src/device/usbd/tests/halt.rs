//! EPSTALL, HALTED and DTOGGLE.

use super::*;
use map::dtoggle::{IO, VALUE};
use map::epstall::STALL;

const IN: u32 = IO.mask();
const DATA0: u32 = 1;
const DATA1: u32 = 2;

fn stall(rig: &mut Rig, endpoint: u32) {
    rig.write(map::epstall(), endpoint | STALL.mask());
}

fn unstall(rig: &mut Rig, endpoint: u32) {
    rig.write(map::epstall(), endpoint);
}

fn toggle(rig: &mut Rig, endpoint: u32) -> u32 {
    rig.write(map::dtoggle(), endpoint);
    let value = rig.read(map::dtoggle());
    assert_eq!(value & !VALUE.mask(), endpoint, "the selection is read back");
    VALUE.get(value)
}

fn force(rig: &mut Rig, endpoint: u32, value: u32) {
    rig.write(map::dtoggle(), endpoint);
    rig.write(map::dtoggle(), endpoint | VALUE.put(value));
}

#[test]
fn stalled_endpoint_answers_stall_until_it_is_unstalled() {
    for endpoint in 1..8 {
        let mut rig = Rig::configured();
        let at = u8::try_from(endpoint).expect("it is 7 at most");
        stall(&mut rig, endpoint | IN);
        assert_eq!(rig.host_in_at(at), Answer::Stall);
        assert_eq!(rig.host_out_at(at, false, &bytes(8)), Answer::Ack, "the other direction is not");
        unstall(&mut rig, endpoint | IN);
        assert_eq!(rig.host_in_at(at), Answer::Nak);
        rig.fetch_at(at.into());
        stall(&mut rig, endpoint);
        assert_eq!(rig.host_out_at(at, true, &bytes(8)), Answer::Stall);
        assert_eq!(rig.host_in_at(at), Answer::Nak);
    }
}

#[test]
fn halted_tells_which_endpoint_is_stalled() {
    for endpoint in 1..8 {
        let mut rig = Rig::configured();
        stall(&mut rig, endpoint | IN);
        for other in 0..8 {
            assert_eq!(rig.read(map::halted_epin(other)), (u32::from(other) == endpoint).into());
            assert_eq!(rig.read(map::halted_epout(other)), 0);
        }
        unstall(&mut rig, endpoint | IN);
        stall(&mut rig, endpoint);
        for other in 0..8 {
            assert_eq!(rig.read(map::halted_epin(other)), 0);
            assert_eq!(rig.read(map::halted_epout(other)), (u32::from(other) == endpoint).into());
        }
    }
}

#[test]
fn stall_of_endpoint_zero_ends_with_the_next_setup() {
    let mut rig = Rig::asked(Setup::get_device_descriptor(18));
    stall(&mut rig, 0);
    assert_eq!((rig.host_in(), rig.read(map::halted_epin(0))), (Answer::Stall, 1));
    rig.setup(Setup::get_device_descriptor(18));
    assert_eq!((rig.host_in(), rig.read(map::halted_epin(0))), (Answer::Nak, 0));
}

#[test]
fn armed_packet_survives_a_stall_and_is_sent_late() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    stall(&mut rig, 1 | IN);
    assert_eq!(rig.host_in_at(1), Answer::Stall);
    unstall(&mut rig, 1 | IN);
    assert_eq!(rig.host_in_at(1), data(false, &bytes(8)));
}

#[test]
fn received_packet_survives_a_stall() {
    let mut rig = Rig::configured();
    rig.host_out_at(1, false, &bytes(8));
    stall(&mut rig, 1);
    unstall(&mut rig, 1);
    assert_eq!(rig.fetch_at(1), bytes(8));
}

#[test]
fn unstalled_out_endpoint_takes_nothing_until_size_is_written() {
    let mut rig = Rig::configured();
    stall(&mut rig, 1);
    unstall(&mut rig, 1);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Nak);
    rig.write(map::size_epout(1), 0);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Ack);
}

#[test]
fn unstalling_what_is_not_stalled_changes_nothing() {
    let mut rig = Rig::configured();
    unstall(&mut rig, 1);
    assert_eq!(rig.host_out_at(1, false, &bytes(8)), Answer::Ack);
}

#[test]
fn toggle_is_read_for_the_endpoint_that_was_selected() {
    let mut rig = Rig::configured();
    rig.arm_at(1, &bytes(8));
    rig.host_in_at(1);
    rig.host_out_at(2, false, &bytes(8));
    for endpoint in (1..8).flat_map(|number| [number, number | IN]) {
        let expected = if [1 | IN, 2].contains(&endpoint) { DATA1 } else { DATA0 };
        assert_eq!(toggle(&mut rig, endpoint), expected, "endpoint {endpoint:#x}");
    }
}

#[test]
fn toggle_is_forced_in_two_steps() {
    for endpoint in (1..8).flat_map(|number| [number, number | IN]) {
        let mut rig = Rig::configured();
        for value in [DATA1, DATA0, DATA1] {
            force(&mut rig, endpoint, value);
            assert_eq!(toggle(&mut rig, endpoint), value);
        }
        force(&mut rig, endpoint, 3);
        assert_eq!(toggle(&mut rig, endpoint), DATA1, "VALUE 3 means nothing");
    }
}

#[test]
fn forced_toggle_is_the_next_on_the_wire() {
    let mut rig = Rig::configured();
    force(&mut rig, 1 | IN, DATA1);
    force(&mut rig, 1, DATA1);
    rig.arm_at(1, &bytes(8));
    assert_eq!(rig.host_in_at(1), data(true, &bytes(8)));
    assert_eq!(rig.host_out_at(1, true, &bytes(8)), Answer::Ack);
    assert_eq!(rig.fetch_at(1), bytes(8));
}

#[test]
fn toggle_forced_without_selecting_is_lost() {
    let mut rig = Rig::configured();
    rig.write(map::dtoggle(), 1 | IN | VALUE.put(DATA1));
    assert_eq!(rig.rules(), [Rule::ToggleNotSelected]);
    assert_eq!(toggle(&mut rig, 1 | IN), DATA0);
    rig.write(map::dtoggle(), 1 | VALUE.put(DATA1));
    assert_eq!(rig.rules(), [Rule::ToggleNotSelected], "the direction is part of the selection");
}

#[test]
fn stall_and_unstall_leave_the_toggle() {
    let mut rig = Rig::configured();
    force(&mut rig, 1 | IN, DATA1);
    stall(&mut rig, 1 | IN);
    unstall(&mut rig, 1 | IN);
    assert_eq!(toggle(&mut rig, 1 | IN), DATA1);
}
