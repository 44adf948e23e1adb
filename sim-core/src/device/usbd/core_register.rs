//! COREINDEX and COREDATA: the door to the USB core's own registers, of which drivers poke a few.

use super::*;

/// A register of the core that drivers touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoreRegister {
    /// The control register of IN endpoint n: EP0CS, INnCS.
    In(usize),
    /// The byte count of OUT endpoint n: OUTnBC.
    OutCount(usize),
    /// The pending interrupts of IN endpoints.
    InIrq,
    /// The pending interrupts of OUT endpoints.
    OutIrq,
    /// What erratum 166 is about.
    Iso,
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
        let index = self.coreindex;
        match index {
            map::CORE_EP0CS => return Some(CoreRegister::In(0)),
            map::CORE_IN07IRQ => return Some(CoreRegister::InIrq),
            map::CORE_OUT07IRQ => return Some(CoreRegister::OutIrq),
            map::CORE_ISO => return Some(CoreRegister::Iso),
            _ => {}
        }
        let input = (1..8).find(|&number| map::core_incs(number) == index);
        let output = (0..8).find(|&number| map::core_outbc(number) == index);
        let output = output.map(|number| CoreRegister::OutCount(number.into()));
        input.map(|number| CoreRegister::In(number.into())).or(output)
    }

    /// What COREDATA reads.
    pub(super) fn coredata(&self, register: CoreRegister) -> u32 {
        match register {
            CoreRegister::In(number) if self.is_armed(number) => CoreRegister::busy(number),
            CoreRegister::In(_) => 0,
            CoreRegister::OutCount(number) => self.size_epout(number),
            CoreRegister::InIrq => self.in07irq,
            CoreRegister::OutIrq => self.out07irq,
            CoreRegister::Iso => self.coreiso,
        }
    }

    /// A write to COREDATA.
    pub(super) fn on_coredata(&mut self, register: CoreRegister, value: u32) {
        match register {
            CoreRegister::In(number) if value & CoreRegister::busy(number) != 0 => self.disarm(number),
            CoreRegister::In(_) => {}
            CoreRegister::OutCount(number) => self.arm_out(number),
            CoreRegister::InIrq => self.in07irq &= !value,
            CoreRegister::OutIrq => self.out07irq &= !value,
            CoreRegister::Iso => self.coreiso = value,
        }
    }
}
