//! The workarounds that production silicon needs to wake up: errata 166, 171, 187 and 211.
//!
//! | erratum | without | what is done |
//! |---|---|---|
//! | 166 | isochronous endpoints have one buffer instead of two | COREDATA 0x40 at COREINDEX 0x7E3, after READY |
//! | 171 | the controller may not reach its active state | 0xC0 at 0x4006_EC14 before ENABLE, 0 after READY |
//! | 171 | nor wake up from low power on a suspended bus | 0xC0 before LOWPOWER=0, 0 after USBWUALLOWED |
//! | 187 | READY never comes | 3 at 0x4006_ED14 before ENABLE |
//! | 211 | the device stays suspended for too long | the same register keeps 3 until power-down |
//!
//! Erratum 199, which is about each transfer, is where transfers are started. Sources: Nordic's MDK
//! (`nrf52_erratas.h`) and nrfx 4.2.1 `nrfx_usbd.c`. The registers at 0x4006_E000 are in no document; a write of 0x9375
//! to 0x4006_EC00 opens and closes them, and it reads 0 while they are closed, as drivers conclude.

use super::{Usbd, map};
use crate::registers::{OutsideRegisters, Registers};

impl<B: Registers + OutsideRegisters> Usbd<B> {
    /// Before ENABLE=1.
    pub(super) fn begin_workarounds(&mut self) {
        self.poke(map::WORKAROUND_187, map::WORKAROUND_187_ON);
        self.poke(map::WORKAROUND_171, map::WORKAROUND_171_ON);
    }

    /// After READY.
    pub(super) fn end_workarounds(&mut self) {
        self.poke(map::WORKAROUND_171, 0);
        self.write(map::coreindex(), map::CORE_ISO);
        self.write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED);
    }

    /// Around LOWPOWER=0 on a suspended bus.
    pub(super) fn begin_wake_up(&mut self) {
        self.poke(map::WORKAROUND_171, map::WORKAROUND_171_ON);
    }

    /// After USBWUALLOWED.
    pub(super) fn end_wake_up(&mut self) {
        self.poke(map::WORKAROUND_171, 0);
    }

    /// After ENABLE=0.
    pub(super) fn forget_workarounds(&mut self) {
        if self.starting {
            self.poke(map::WORKAROUND_171, 0);
        }
        self.poke(map::WORKAROUND_187, 0);
    }

    /// Writes a register that is closed while nobody needs it.
    fn poke(&mut self, address: u32, value: u32) {
        // SAFETY:
        // - On an nRF52840 this register opens and closes the others (Nordic's MDK, errata 171 and 187).
        let is_closed = unsafe { self.bus.peek(map::WORKAROUND_KEY) } == 0;
        let toggle = || {
            if is_closed {
                // SAFETY:
                // - As above, and this value does it.
                unsafe { self.bus.poke(map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES) };
            }
        };
        toggle();
        // SAFETY:
        // - On an nRF52840 this is the register of the erratum (as above).
        unsafe { self.bus.poke(address, value) };
        toggle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nrf52840::fake::Block;

    const KEY: (u32, u32) = (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    const ON_187: (u32, u32) = (map::WORKAROUND_187, 3);
    const OFF_187: (u32, u32) = (map::WORKAROUND_187, 0);
    const ON_171: (u32, u32) = (map::WORKAROUND_171, 0xC0);
    const OFF_171: (u32, u32) = (map::WORKAROUND_171, 0);
    const ENABLE: (u32, u32) = (0x500, 1);
    const DISABLE: (u32, u32) = (0x500, 0);
    const PULL_UP_OFF: (u32, u32) = (0x504, 0);

    /// Expects these writes since the last call, and no others.
    #[track_caller]
    fn expect(chip: &Block, writes: &[(u32, u32)]) {
        assert_eq!(chip.writes(), writes);
    }

    fn starting(chip: &Block) -> Usbd<&Block> {
        let mut usbd = Usbd::new(chip);
        usbd.power_up();
        usbd
    }

    /// Powered up. The writes are forgotten.
    fn ready(chip: &Block) -> Usbd<&Block> {
        let mut usbd = starting(chip);
        chip.set(map::eventcause(), map::eventcause::READY.mask());
        assert!(usbd.is_ready());
        chip.writes();
        usbd
    }

    #[test]
    fn power_up_opens_each_register_and_closes_it_again() {
        let chip = Block::usbd();
        let mut usbd = starting(&chip);
        let forget_ready = (0x400, 1 << 11);
        expect(&chip, &[forget_ready, KEY, ON_187, KEY, KEY, ON_171, KEY, ENABLE]);
        assert!(!usbd.is_ready());
        expect(&chip, &[]);
        chip.set(map::eventcause(), map::eventcause::READY.mask());
        assert!(usbd.is_ready());
        // Erratum 187's register stays as it is: that is what 211 asks for. Then erratum 166.
        expect(&chip, &[KEY, OFF_171, KEY, (0x800, 0x7E3), (0x804, 0x40)]);
        assert!(usbd.is_ready());
        expect(&chip, &[]);
    }

    #[test]
    fn registers_that_are_open_stay_open() {
        let chip = Block::usbd();
        chip.set(map::WORKAROUND_KEY, 1);
        starting(&chip);
        expect(&chip, &[(0x400, 1 << 11), ON_187, ON_171, ENABLE]);
    }

    #[test]
    fn power_down_ends_what_is_left_of_the_workarounds_after_enable() {
        let chip = Block::usbd();
        let mut usbd = ready(&chip);
        usbd.power_down();
        expect(&chip, &[PULL_UP_OFF, DISABLE, KEY, OFF_187, KEY]);
        let mut usbd = starting(&chip);
        chip.writes();
        usbd.power_down();
        expect(&chip, &[DISABLE, KEY, OFF_171, KEY, KEY, OFF_187, KEY]);
    }

    #[test]
    fn wake_up_has_the_workaround_of_erratum_171_around_it() {
        let chip = Block::usbd();
        let mut usbd = ready(&chip);
        usbd.begin_wake_up();
        expect(&chip, &[KEY, ON_171, KEY]);
        usbd.end_wake_up();
        expect(&chip, &[KEY, OFF_171, KEY]);
    }
}
