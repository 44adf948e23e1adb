//! COREINDEX and COREDATA: the door to the USB core's own registers, of which drivers poke a few.

use super::*;

/// A register of the core that drivers touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoreRegister {
    /// The control register of IN endpoint n: EP0CS, INnCS.
    In(usize),
}

impl CoreRegister {
    /// The bit that says that a packet is armed; writing 1 to it takes the packet out.
    fn busy(number: usize) -> u32 {
        if number == 0 { map::CORE_EP0CS_INBSY } else { map::CORE_INCS_BUSY }
    }
}

impl Usbd {
    /// The register that COREINDEX selects, if it is modelled.
    pub(super) fn core_register(&self) -> Option<CoreRegister> {
        match self.coreindex {
            map::CORE_EP0CS => Some(CoreRegister::In(0)),
            index => {
                (1..8).find(|&number| map::core_incs(number) == index).map(|number| CoreRegister::In(number.into()))
            }
        }
    }

    /// What COREDATA reads.
    pub(super) fn coredata(&self, register: CoreRegister) -> u32 {
        match register {
            CoreRegister::In(number) if self.is_armed(number) => CoreRegister::busy(number),
            CoreRegister::In(_) => 0,
        }
    }

    /// A write to COREDATA.
    pub(super) fn on_coredata(&mut self, register: CoreRegister, value: u32) {
        match register {
            CoreRegister::In(number) if value & CoreRegister::busy(number) != 0 => self.disarm(number),
            CoreRegister::In(_) => {}
        }
    }
}
