//! `Power` against registers that hold what a test puts there.

use std::vec;

use super::*;
use crate::nrf52840::fake::Block;
use crate::nrf52840::usbd::map as usbd_map;

const VBUS: u32 = map::usbregstatus::VBUSDETECT.mask();
const OUTPUT: u32 = map::usbregstatus::OUTPUTRDY.mask();
const CRYSTAL: u32 = map::hfclkstat::SRC.mask() | map::hfclkstat::STATE.mask();
const READY: u32 = usbd_map::eventcause::READY.mask();

/// Both blocks, and the drivers of both.
struct Rig<'a> {
    registers: &'a Block,
    core: &'a Block,
    power: Power<&'a Block>,
    usbd: Usbd<&'a Block>,
}

impl<'a> Rig<'a> {
    fn new(registers: &'a Block, core: &'a Block) -> Self {
        Self { registers, core, power: Power::new(registers), usbd: Usbd::new(core) }
    }

    fn advance(&mut self) -> State {
        self.power.advance(&mut self.usbd)
    }

    /// As far as *starting*; the writes are forgotten.
    fn starting(registers: &'a Block, core: &'a Block) -> Self {
        let mut rig = Self::new(registers, core);
        registers.set(map::usbregstatus(), VBUS);
        assert_eq!(rig.advance(), State::Starting);
        registers.writes();
        core.writes();
        rig
    }
}

#[test]
fn nothing_is_written_without_vbus_and_without_an_event() {
    let (registers, core) = (Block::power(), Block::usbd());
    let mut rig = Rig::new(&registers, &core);
    assert_eq!(rig.advance(), State::Unplugged);
    assert_eq!((registers.writes(), core.writes()), (vec![], vec![]));
}

#[test]
fn vbus_that_was_there_before_starts_controller_and_crystal_without_an_event() {
    let (registers, core) = (Block::power(), Block::usbd());
    let mut rig = Rig::new(&registers, &core);
    registers.set(map::usbregstatus(), VBUS);
    assert_eq!(rig.advance(), State::Starting);
    assert_eq!(registers.own_writes(), [(map::tasks_hfclkstart(), 1)]);
    assert!(core.own_writes().contains(&(usbd_map::enable(), 1)));
}

#[test]
fn pull_up_waits_for_controller_crystal_and_regulator() {
    let all = [READY, CRYSTAL, OUTPUT];
    // Each alone is missing; and the crystal, while another oscillator runs; and none is.
    let mut cases = [all; 5];
    (0..3).for_each(|missing| cases[missing][missing] = 0);
    cases[3][1] = map::hfclkstat::STATE.mask();
    for (index, [ready, crystal, output]) in cases.into_iter().enumerate() {
        let (registers, core) = (Block::power(), Block::usbd());
        let mut rig = Rig::starting(&registers, &core);
        rig.core.set(usbd_map::eventcause(), ready);
        rig.registers.set(map::hfclkstat(), crystal);
        rig.registers.set(map::usbregstatus(), VBUS | output);
        let (expected, pull_up) = if index == 4 { (State::Attached, 1) } else { (State::Starting, 0) };
        assert_eq!(rig.advance(), expected, "case {index}");
        assert_eq!(rig.core.get(usbd_map::usbpullup()), pull_up, "case {index}");
    }
}

#[test]
fn removal_takes_controller_and_crystal_down_from_both_states() {
    for attached in [false, true] {
        let (registers, core) = (Block::power(), Block::usbd());
        let mut rig = Rig::starting(&registers, &core);
        if attached {
            core.set(usbd_map::eventcause(), READY);
            registers.set(map::hfclkstat(), CRYSTAL);
            registers.set(map::usbregstatus(), VBUS | OUTPUT);
            assert_eq!(rig.advance(), State::Attached);
        }
        assert!(!rig.power.is_removed());
        assert_eq!(core.get(usbd_map::WORKAROUND_171) != 0, !attached);
        // It has come again: only the event says that it was gone.
        registers.set(map::events_usbremoved(), 1);
        assert!(rig.power.is_removed());
        registers.writes();
        assert_eq!(rig.advance(), State::Unplugged);
        assert_eq!(registers.own_writes(), [(map::events_usbremoved(), 0), (map::tasks_hfclkstop(), 1)]);
        assert_eq!((rig.core.get(usbd_map::enable()), core.get(usbd_map::WORKAROUND_171)), (0, 0));
        assert_eq!(rig.advance(), State::Starting);
    }
}

#[test]
fn events_are_cleared_before_vbus_is_looked_at() {
    let events =
        [map::events_hfclkstarted(), map::events_usbdetected(), map::events_usbpwrrdy(), map::events_usbremoved()];
    let (registers, core) = (Block::power(), Block::usbd());
    let mut rig = Rig::new(&registers, &core);
    events.iter().for_each(|event| registers.set(*event, 1));
    registers.set(map::usbregstatus(), VBUS);
    assert_eq!(rig.advance(), State::Starting, "a removal of before is none");
    let cleared = events.map(|event| (event, 0));
    assert_eq!(registers.own_writes(), [&cleared[..], &[(map::tasks_hfclkstart(), 1)]].concat());
}

#[test]
fn listen_and_unlisten_touch_the_bits_they_are_given_only() {
    let (registers, core) = (Block::power(), Block::usbd());
    let rig = Rig::new(&registers, &core);
    rig.power.listen(map::intenset::USBREMOVED.mask());
    rig.power.unlisten(map::intenset::USBDETECTED.mask());
    assert_eq!(registers.own_writes(), [(map::intenset(), 1 << 8), (map::intenclr(), 1 << 7)]);
}
