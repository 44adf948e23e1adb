//! The chip's hash: explorers take two chips with the same hash for one state.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::*;

fn hash(rig: &Rig) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(&rig.0)
}

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

#[test]
fn chips_with_another_past_have_another_hash_and_the_same_past_the_same() {
    let hashes = || {
        let one = |change: &Change| {
            let mut rig = Rig::configured();
            rig.write(map::epouten(), 0x1FF);
            change(&mut rig);
            hash(&rig)
        };
        CHANGES.iter().map(one).collect::<Vec<_>>()
    };
    let first = hashes();
    assert_eq!(first, hashes());
    for (index, one) in first.iter().enumerate() {
        assert!(!first[..index].contains(one), "change {index} is not seen");
    }
}

#[test]
fn counts_of_one_endpoint_are_told_apart() {
    let hash_with = |maxcnt, amount| {
        let mut rig = Rig::configured();
        rig.epin[1].maxcnt = maxcnt;
        rig.epin[1].amount = amount;
        hash(&rig)
    };
    let all = [hash_with(0, 0), hash_with(1, 0), hash_with(0, 1), hash_with(1023, 0), hash_with(0, 1023)];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "pair {index}");
    }
}
