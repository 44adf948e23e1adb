//! `Power` against registers that hold what a test puts there.

use core::cell::Cell;

use super::*;
use crate::nrf52840::usbd::{UsbdBlock, map as usbd_map};

/// A block of registers, at their offsets, and the writes to it, oldest first.
struct Block {
    words: [Cell<u32>; 0x400],
    writes: Cell<[Option<(u16, u32)>; 16]>,
    /// The register of erratum 171.
    workaround_171: Cell<u32>,
}

impl Block {
    fn new() -> Self {
        Self { words: [const { Cell::new(0) }; 0x400], writes: Cell::default(), workaround_171: Cell::new(0) }
    }

    fn set(&self, offset: u16, value: u32) {
        self.words[usize::from(offset) / 4].set(value);
    }

    /// Forgets the writes.
    fn forget(&self) {
        self.writes.take();
    }

    /// The writes since the last call.
    fn writes(&self) -> impl Iterator<Item = (u16, u32)> + use<> {
        self.writes.take().into_iter().flatten()
    }
}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<UsbdBlock> for &Block {}

// SAFETY:
// - They are cells.
unsafe impl RegistersOf<PowerClock> for &Block {}

// SAFETY:
// - There is no transfer, and no memory that anybody lets go of by what is read here.
unsafe impl Registers for &Block {
    fn read(&self, offset: u16) -> u32 {
        self.words[usize::from(offset) / 4].get()
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        let mut writes = self.writes.get();
        let free = writes.iter_mut().find(|write| write.is_none());
        *free.expect("a test writes less") = Some((offset, value));
        self.writes.set(writes);
        self.set(offset, value);
    }
}

impl OutsideRegisters for &Block {
    unsafe fn peek(&self, _: u32) -> u32 {
        0
    }

    unsafe fn poke(&self, address: u32, value: u32) {
        if address == usbd_map::WORKAROUND_171 {
            self.workaround_171.set(value);
        }
    }
}

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
        registers.forget();
        core.forget();
        rig
    }
}

#[test]
fn nothing_is_written_without_vbus_and_without_an_event() {
    let (registers, core) = (Block::new(), Block::new());
    let mut rig = Rig::new(&registers, &core);
    assert_eq!(rig.advance(), State::Unplugged);
    assert_eq!(registers.writes().chain(core.writes()).count(), 0);
}

#[test]
fn vbus_that_was_there_before_starts_controller_and_crystal_without_an_event() {
    let (registers, core) = (Block::new(), Block::new());
    let mut rig = Rig::new(&registers, &core);
    registers.set(map::usbregstatus(), VBUS);
    assert_eq!(rig.advance(), State::Starting);
    assert!(registers.writes().eq([(map::tasks_hfclkstart(), 1)]));
    assert!(core.writes().any(|write| write == (usbd_map::enable(), 1)));
}

#[test]
fn pull_up_waits_for_controller_crystal_and_regulator() {
    let all = [READY, CRYSTAL, OUTPUT];
    // Each alone is missing; and the crystal, while another oscillator runs; and none is.
    let mut cases = [all; 5];
    (0..3).for_each(|missing| cases[missing][missing] = 0);
    cases[3][1] = map::hfclkstat::STATE.mask();
    for (index, [ready, crystal, output]) in cases.into_iter().enumerate() {
        let (registers, core) = (Block::new(), Block::new());
        let mut rig = Rig::starting(&registers, &core);
        rig.core.set(usbd_map::eventcause(), ready);
        rig.registers.set(map::hfclkstat(), crystal);
        rig.registers.set(map::usbregstatus(), VBUS | output);
        let (expected, pull_up) = if index == 4 { (State::Attached, 1) } else { (State::Starting, 0) };
        assert_eq!(rig.advance(), expected, "case {index}");
        assert_eq!(rig.core.read(usbd_map::usbpullup()), pull_up, "case {index}");
    }
}

#[test]
fn removal_takes_controller_and_crystal_down_from_both_states() {
    for attached in [false, true] {
        let (registers, core) = (Block::new(), Block::new());
        let mut rig = Rig::starting(&registers, &core);
        if attached {
            core.set(usbd_map::eventcause(), READY);
            registers.set(map::hfclkstat(), CRYSTAL);
            registers.set(map::usbregstatus(), VBUS | OUTPUT);
            assert_eq!(rig.advance(), State::Attached);
        }
        assert!(!rig.power.is_removed());
        assert_eq!(core.workaround_171.get() != 0, !attached);
        // It has come again: only the event says that it was gone.
        registers.set(map::events_usbremoved(), 1);
        assert!(rig.power.is_removed());
        registers.forget();
        assert_eq!(rig.advance(), State::Unplugged);
        assert!(registers.writes().eq([(map::events_usbremoved(), 0), (map::tasks_hfclkstop(), 1)]));
        assert_eq!((rig.core.read(usbd_map::enable()), core.workaround_171.get()), (0, 0));
        assert_eq!(rig.advance(), State::Starting);
    }
}

#[test]
fn events_are_cleared_before_vbus_is_looked_at() {
    let events =
        [map::events_hfclkstarted(), map::events_usbdetected(), map::events_usbpwrrdy(), map::events_usbremoved()];
    let (registers, core) = (Block::new(), Block::new());
    let mut rig = Rig::new(&registers, &core);
    events.iter().for_each(|event| registers.set(*event, 1));
    registers.set(map::usbregstatus(), VBUS);
    assert_eq!(rig.advance(), State::Starting, "a removal of before is none");
    let cleared = events.map(|event| (event, 0));
    assert!(registers.writes().eq(cleared.into_iter().chain([(map::tasks_hfclkstart(), 1)])));
}

#[test]
fn listen_and_unlisten_touch_the_bits_they_are_given_only() {
    let (registers, core) = (Block::new(), Block::new());
    let rig = Rig::new(&registers, &core);
    rig.power.listen(map::intenset::USBREMOVED.mask());
    rig.power.unlisten(map::intenset::USBDETECTED.mask());
    assert!(registers.writes().eq([(map::intenset(), 1 << 8), (map::intenclr(), 1 << 7)]));
}
