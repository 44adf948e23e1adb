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
