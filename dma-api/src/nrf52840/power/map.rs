//! The nRF52840 POWER and CLOCK registers that USB needs: one block of addresses.
//!
//! Base [`BASE`], interrupt 0 for both peripherals. The rows follow `nrf52840.svd` of nrfx 4.2.1; the block has many
//! more registers, which USB does not need. Traps that the layout holds:
//!
//! - an event's bit in INTENSET is `(offset - 0x100) / 4`, as elsewhere: [`event_bit`]; there is no INTEN;
//! - HFCLKSTAT.STATE says that *some* oscillator runs, which one does whenever the CPU does: SRC says whether it is the
//!   crystal.
//!
//! ```
//! # use dma_api::nrf52840::power::map;
//! let status = map::usbregstatus::VBUSDETECT.mask();
//! assert!(!map::usbregstatus::OUTPUTRDY.is_set(status), "VBUS is there, the regulator has yet to settle");
//! assert_eq!(map::event_bit(map::events_usbdetected()), map::intenset::USBDETECTED.mask());
//! ```

#![expect(non_camel_case_types, reason = "these are the datasheet's names, to be found by a search for them")]

use crate::table::register_table;

/// The address of the first register.
pub const BASE: usize = 0x4000_0000;

/// The bit of the event at `offset` in INTENSET and INTENCLR.
pub const fn event_bit(offset: u16) -> u32 {
    1 << ((offset - 0x100) / 4)
}

register_table! {
    /// CLOCK: starts the crystal oscillator, HFXO.
    TASKS_HFCLKSTART tasks_hfclkstart 0x000 Task = 0 { TASK 0 }
    /// CLOCK: stops the crystal oscillator.
    TASKS_HFCLKSTOP tasks_hfclkstop 0x004 Task = 0 { TASK 0 }
    /// CLOCK: the crystal oscillator runs, and is stable.
    EVENTS_HFCLKSTARTED events_hfclkstarted 0x100 Event = 0 { EVENT 0 }
    /// POWER: VBUS has come.
    EVENTS_USBDETECTED events_usbdetected 0x11C Event = 0 { EVENT 0 }
    /// POWER: VBUS has gone.
    EVENTS_USBREMOVED events_usbremoved 0x120 Event = 0 { EVENT 0 }
    /// POWER: the USB regulator has settled.
    EVENTS_USBPWRRDY events_usbpwrrdy 0x124 Event = 0 { EVENT 0 }
    /// Which events assert the interrupt line; writing 1 to a bit sets it.
    INTENSET intenset 0x304 WriteOneToSet = 0 { HFCLKSTARTED 0, USBDETECTED 7, USBREMOVED 8, USBPWRRDY 9 }
    /// The same; writing 1 to a bit clears it.
    INTENCLR intenclr 0x308 WriteOneToClear = 0 { HFCLKSTARTED 0, USBDETECTED 7, USBREMOVED 8, USBPWRRDY 9 }
    /// CLOCK: where the high-frequency clock comes from.
    HFCLKSTAT hfclkstat 0x40C ReadOnly = 0 { SRC 0, STATE 16 }
    /// POWER: whether VBUS is there, and whether the USB regulator has settled.
    USBREGSTATUS usbregstatus 0x438 ReadOnly = 0 { VBUSDETECT 0, OUTPUTRDY 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Access;

    #[test]
    fn rows_ascend() {
        assert!(REGISTERS.is_sorted_by_key(|row| row.offset));
    }

    #[test]
    fn every_event_has_its_bit_in_intenset_and_intenclr() {
        let events = REGISTERS.iter().filter(|row| row.access == Access::Event);
        let bits = events.fold(0, |bits, row| bits | event_bit(row.offset));
        assert_eq!(bits, 0b11_1000_0001);
        let masked = REGISTERS.iter().filter(|row| matches!(row.name, Name::INTENSET | Name::INTENCLR));
        assert!(masked.map(|row| row.mask()).eq([bits; 2]));
        assert_eq!(event_bit(events_usbremoved()), intenset::USBREMOVED.mask());
    }
}
