//! nrf-usbd 0.3.0, at the address that the chip has its registers at.

use ::nrf_usbd::{UsbPeripheral, Usbd};
use usb_device::bus::UsbBusAllocator;

mod by_hand;
mod findings;
mod reads;

/// The chip's USBD.
#[derive(Clone, Copy, Debug)]
pub struct Controller;

// SAFETY:
// - An nRF52840 has a USBD's registers at this address. In the simulator nothing is there, and each access of a cell is
//   answered by the chip of this thread.
// - There is one: a test makes one bus at a time on its chip.
unsafe impl UsbPeripheral for Controller {
    const REGISTERS: *const () = 0x4002_7000 as *const ();
}

/// usb-device's bus on it.
pub type Bus = Usbd<Controller>;

/// The bus, for classes.
pub fn bus() -> UsbBusAllocator<Bus> {
    UsbBusAllocator::new(Usbd::new(Controller))
}
