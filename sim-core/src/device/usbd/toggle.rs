//! DTOGGLE: reads and forces the data toggle of an endpoint.
//!
//! One register for all endpoints: a write with VALUE 0 selects one, a read then gives its toggle, and a further write
//! with VALUE 1 or 2 forces it (nRF52840 PS, as TinyUSB quotes it). The core underneath has the same order (EZ-USB
//! TOGCTL).

use dma_api::nrf52840::usbd::map::dtoggle::{EP, IO, VALUE};

use super::*;

const DATA0: u32 = 1;
const DATA1: u32 = 2;

impl Usbd {
    /// What DTOGGLE reads: the selection, and the toggle of the selected endpoint.
    pub(super) fn dtoggle(&self) -> u32 {
        let number = EP.get(self.dtoggle) as usize;
        let data1 = match number {
            // A SETUP sets it for both directions; out of reset it reads DATA0.
            0 => self.ep0.begun && self.ep0.data1,
            _ if IO.is_set(self.dtoggle) => self.data.get(number).input.data1,
            _ => self.data.get(number).output.data1,
        };
        self.dtoggle | VALUE.put(if data1 { DATA1 } else { DATA0 })
    }

    /// A write to DTOGGLE: selects, or forces what is selected.
    pub(super) fn on_dtoggle(&mut self, value: u32) {
        let selection = value & (EP.mask() | IO.mask());
        let unselected = self.report(rules::check_toggle_selected(self, value));
        self.dtoggle = selection;
        let data1 = match VALUE.get(value) {
            DATA0 => false,
            DATA1 => true,
            _ => return,
        };
        if unselected {
            return;
        }
        match EP.get(value) as usize {
            0 => self.ep0.data1 = data1,
            number if IO.is_set(value) => self.data.get_mut(number).input.data1 = data1,
            number => self.data.get_mut(number).output.data1 = data1,
        }
    }
}
