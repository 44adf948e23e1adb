//! The chip's hash: explorers take two chips with the same hash for one state.

use super::*;
use crate::hash::{assert_told_apart, hash};

/// What is done to a chip.
type Change = fn(&mut Rig);

const CHANGES: &[Change] = &[
    |_| {},
    |rig| rig.write(map::epin_ptr(3), 1),
    |rig| rig.write(map::epin_ptr(4), 1),
    |rig| rig.write(map::epout_ptr(3), 1),
    |rig| rig.write(map::epin_maxcnt(3), 1),
    |rig| rig.write(map::isoin_maxcnt(), 1023),
    |rig| rig.start_in_at(1, 8),
    |rig| rig.start_in_at(2, 8),
    |rig| rig.arm_at(1, &[1]),
    |rig| rig.arm_at(1, &[2]),
    |rig| rig.arm_at(2, &[1]),
    |rig| assert_eq!(rig.host_out_at(1, false, &[1]), Answer::Ack),
    |rig| assert_eq!(rig.host_out_at(2, false, &[1]), Answer::Ack),
    |rig| rig.write(map::epstall(), map::epstall::STALL.mask() | 1),
    |rig| rig.write(map::dtoggle(), 1),
    |rig| rig.suspend(),
    |rig| rig.start_of_frame(5),
    |rig| rig.iso_out(0, &[1], true),
    |rig| rig.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES),
];

fn chips() -> impl Iterator<Item = Usbd> {
    CHANGES.iter().map(|change| {
        let mut rig = Rig::configured();
        rig.write(map::epouten(), 0x1FF);
        change(&mut rig);
        rig.0.clone()
    })
}

#[test]
fn chips_with_another_past_have_another_hash_and_the_same_past_the_same() {
    assert_told_apart(chips());
    assert_eq!(chips().map(hash).collect::<Vec<_>>(), chips().map(hash).collect::<Vec<_>>());
}

#[test]
fn numbers_of_one_endpoint_are_told_apart() {
    let fields = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1023, 0, 0), (0, 1023, 0), (0, 0, 1 << 31), (0, 0, 0)];
    assert_told_apart(fields.map(|(maxcnt, amount, ptr)| EasyDma { ptr, maxcnt, amount }));
}

#[test]
fn supplies_are_told_apart() {
    const RAILS: [Rail; 3] = [Rail::Off, Rail::Lost, Rail::On];
    let rails = RAILS.iter().flat_map(|&vbus| RAILS.map(|output| (vbus, output)));
    assert_told_apart(rails.flat_map(|(vbus, output)| [false, true].map(|crystal| Feed { vbus, output, crystal })));
}

#[test]
fn endpoints_are_told_apart() {
    let mut all = vec![data::DataEndpoints::default()];
    for number in 1..=7 {
        for change in [
            (|_| ()) as fn(&mut data::DataEndpoint),
            |endpoint| endpoint.input.data1 = true,
            |endpoint| endpoint.input.stalled = true,
            |endpoint| endpoint.output.state = data::OutState::Full,
            |endpoint| endpoint.output.size = 1,
            |endpoint| endpoint.output.buffer[63] = 1,
            |endpoint| endpoint.output.data1 = true,
            |endpoint| endpoint.output.stalled = true,
        ] {
            let mut endpoints = data::DataEndpoints::default();
            change(endpoints.get_mut(number));
            all.push(endpoints);
        }
    }
    assert_told_apart(all);
}
