//! What drivers do not agree on: alignment, AMOUNT, an odd number of bytes.

use super::*;

#[test]
fn alignment_is_asked_for_if_so_chosen() {
    for (ptr, maxcnt, aligned) in [(0, 4, true), (0, 5, true), (1, 4, false), (2, 4, false), (3, 0, true)] {
        for (alignment, expected) in [(Alignment::Any, true), (Alignment::Words, aligned)] {
            let mut rig = Rig::with(Options { alignment, ..Options::ideal() });
            rig.setup(Setup::get_device_descriptor(18));
            rig.write(map::epin_ptr(0), ADDRESS + ptr);
            rig.write(map::epin_maxcnt(0), maxcnt);
            rig.task(map::tasks_startepin(0));
            assert_eq!(rig.rules().is_empty(), expected, "PTR + {ptr}, MAXCNT {maxcnt}, {alignment:?}");
            assert!(rig.job().is_some(), "it runs all the same");
        }
    }
    let mut rig = Rig::with(Options { alignment: Alignment::Words, ..Options::ideal() });
    rig.write(map::isoin_ptr(), ADDRESS);
    rig.write(map::isoin_maxcnt(), 6);
    rig.task(map::tasks_startisoin());
    assert_eq!(rig.rules(), [Rule::Unaligned]);
}

#[test]
fn amount_of_an_out_transfer_reads_zero_if_so_chosen() {
    let mut rig = Rig::with(Options { amount_of_out: AmountOfOut::Zero, ..Options::ideal() });
    rig.write(map::epouten(), 0b11);
    rig.write(map::size_epout(1), 0);
    rig.host_out_at(1, false, &bytes(8));
    assert_eq!(rig.fetch_at(1), bytes(8));
    assert_eq!(rig.read(map::epout_amount(1)), 0);
    rig.arm_at(1, &bytes(8));
    assert_eq!(rig.read(map::epin_amount(1)), 8, "an IN transfer has its own");
}

#[test]
fn transfer_after_an_odd_number_of_bytes_and_a_power_cycle_goes_astray() {
    for (counts, odd) in [(&[3][..], true), (&[3, 5], false), (&[4, 5], true), (&[8], false), (&[], false)] {
        let mut rig = Rig::with(Options { odd_bytes: OddBytes::BreakNextTransfer, ..Options::ideal() });
        rig.write(map::epinen(), 0xFF);
        for (endpoint, &count) in (1..).zip(counts) {
            rig.arm_at(endpoint, &bytes(count));
        }
        rig.write(map::enable(), 0);
        assert_eq!(rig.rules() == [Rule::OddBytesAtPowerDown], odd, "{counts:?}");
        rig.write(map::enable(), 1);
        rig.power_up_done();
        rig.start_in_at(1, 8);
        let address = rig.job().expect("it was started").address;
        assert_eq!(address != BusAddress::new(ADDRESS), odd, "{counts:?}");
        rig.end_in(&bytes(8));
        rig.start_in_at(2, 8);
        let address = rig.job().expect("it was started").address;
        assert_eq!(address, BusAddress::new(ADDRESS), "the next one is right again");
    }
}
