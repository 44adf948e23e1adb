//! What the silicon's errata do to the system.

use super::*;
use crate::device::usbd::{Errata, Erratum, OddBytes, Options};

#[test]
fn chip_that_needs_a_poke_comes_up_with_it_only() {
    for poked in [true, false] {
        let options = Options { errata: Errata::none().with(Erratum::E187), ..Options::ideal() };
        let mut rig = Rig { soc: Soc::new(Config { options, ..config() }), memory: Vec::new() };
        if poked {
            rig.soc.cpu_poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES, Location::caller());
            rig.soc.cpu_poke(map::WORKAROUND_187, 3, Location::caller());
        }
        assert_eq!(rig.soc.cpu_peek(map::WORKAROUND_187, Location::caller()) == 3, poked);
        rig.write(map::enable(), 1);
        rig.soc.power_up_done();
        assert_eq!(rig.read(map::eventcause()) != 0, poked);
        let expected: &[Rule] = if poked { &[] } else { &[Rule::WorkaroundMissing] };
        assert_eq!(rig.rules(), expected);
    }
}

#[test]
fn transfer_that_goes_astray_touches_no_memory() {
    let options = Options { odd_bytes: OddBytes::BreakNextTransfer, ..Options::ideal() };
    let mut rig = Rig::received(Config { options, ..config() });
    let address = rig.release(3, Direction::DeviceToMemory);
    rig.start_out(address, 3);
    rig.run_to_end();
    rig.acquire(3, Direction::DeviceToMemory);
    rig.write(map::enable(), 0);
    assert_eq!(rig.rules(), [Rule::OddBytesAtPowerDown]);
    rig.write(map::enable(), 1);
    rig.soc.power_up_done();
    rig.memory.fill(UNTOUCHED);
    let address = rig.release(8, Direction::DeviceToMemory);
    rig.start_out(address, 8);
    assert_eq!(rig.rules()[1..], [Rule::StartWithoutPacket, Rule::PointerOutsideRam]);
    rig.run_to_end();
    assert_eq!(rig.buffer(), [UNTOUCHED; BUFFER]);
}
