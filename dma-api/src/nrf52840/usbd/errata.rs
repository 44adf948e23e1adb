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
    use core::cell::Cell;

    use super::*;
    use crate::nrf52840::usbd::UsbdBlock;
    use crate::registers::RegistersOf;

    const KEY: (u32, u32) = (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    const ON_187: (u32, u32) = (map::WORKAROUND_187, 3);
    const OFF_187: (u32, u32) = (map::WORKAROUND_187, 0);
    const ON_171: (u32, u32) = (map::WORKAROUND_171, 0xC0);
    const OFF_171: (u32, u32) = (map::WORKAROUND_171, 0);
    const ENABLE: (u32, u32) = (0x500, 1);
    const DISABLE: (u32, u32) = (0x500, 0);
    const PULL_UP_OFF: (u32, u32) = (0x504, 0);

    /// All writes, oldest first: of a register of the block by its offset, of one outside by its address.
    #[derive(Default)]
    struct Log {
        writes: Cell<[Option<(u32, u32)>; 16]>,
        eventcause: Cell<u32>,
        /// Somebody else has opened the registers outside.
        is_open: bool,
    }

    impl Log {
        fn note(&self, address: u32, value: u32) {
            let mut writes = self.writes.get();
            let free = writes.iter_mut().find(|write| write.is_none());
            *free.expect("a test writes less") = Some((address, value));
            self.writes.set(writes);
        }
    }

    // SAFETY:
    // - There is no transfer.
    unsafe impl RegistersOf<UsbdBlock> for Log {}

    // SAFETY:
    // - There is no transfer, and no memory that anybody lets go of by what is read here.
    unsafe impl Registers for Log {
        fn read(&self, offset: u16) -> u32 {
            if offset == map::eventcause() { self.eventcause.get() } else { 0 }
        }

        unsafe fn write(&self, offset: u16, value: u32) {
            self.note(offset.into(), value);
        }
    }

    impl OutsideRegisters for Log {
        unsafe fn peek(&self, address: u32) -> u32 {
            (address == map::WORKAROUND_KEY && self.is_open).into()
        }

        unsafe fn poke(&self, address: u32, value: u32) {
            self.note(address, value);
        }
    }

    /// Expects these writes since the last call, and no others.
    #[track_caller]
    fn expect(usbd: &Usbd<Log>, writes: &[(u32, u32)]) {
        let mut expected = [None; 16];
        expected.iter_mut().zip(writes).for_each(|(slot, write)| *slot = Some(*write));
        assert_eq!(usbd.bus.writes.take(), expected);
    }

    fn starting(is_open: bool) -> Usbd<Log> {
        let mut usbd = Usbd::new(Log { is_open, ..Log::default() });
        usbd.power_up();
        usbd
    }

    /// Powered up. The writes are forgotten.
    fn ready() -> Usbd<Log> {
        let mut usbd = starting(false);
        usbd.bus.eventcause.set(map::eventcause::READY.mask());
        assert!(usbd.is_ready());
        usbd.bus.writes.take();
        usbd
    }

    #[test]
    fn power_up_opens_each_register_and_closes_it_again() {
        let mut usbd = starting(false);
        let forget_ready = (0x400, 1 << 11);
        expect(&usbd, &[forget_ready, KEY, ON_187, KEY, KEY, ON_171, KEY, ENABLE]);
        assert!(!usbd.is_ready());
        expect(&usbd, &[]);
        usbd.bus.eventcause.set(map::eventcause::READY.mask());
        assert!(usbd.is_ready());
        // Erratum 187's register stays as it is: that is what 211 asks for. Then erratum 166.
        expect(&usbd, &[KEY, OFF_171, KEY, (0x800, 0x7E3), (0x804, 0x40)]);
        assert!(usbd.is_ready());
        expect(&usbd, &[]);
    }

    #[test]
    fn registers_that_are_open_stay_open() {
        let usbd = starting(true);
        expect(&usbd, &[(0x400, 1 << 11), ON_187, ON_171, ENABLE]);
    }

    #[test]
    fn power_down_ends_what_is_left_of_the_workarounds_after_enable() {
        let mut usbd = ready();
        usbd.power_down();
        expect(&usbd, &[PULL_UP_OFF, DISABLE, KEY, OFF_187, KEY]);
        let mut usbd = starting(false);
        usbd.bus.writes.take();
        usbd.power_down();
        expect(&usbd, &[DISABLE, KEY, OFF_171, KEY, KEY, OFF_187, KEY]);
    }

    #[test]
    fn wake_up_has_the_workaround_of_erratum_171_around_it() {
        let mut usbd = ready();
        usbd.begin_wake_up();
        expect(&usbd, &[KEY, ON_171, KEY]);
        usbd.end_wake_up();
        expect(&usbd, &[KEY, OFF_171, KEY]);
    }
}
