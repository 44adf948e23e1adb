//! Bytes of a serial port, sent back. It knows no chip: `tests/usb/classes` runs it on the simulator.

use core::ops::Range;

use usb_device::bus::UsbBus;
use usbd_serial::SerialPort;

/// What has come, and was not sent back yet.
pub struct Waiting {
    bytes: [u8; 64],
    left: Range<usize>,
}

impl Waiting {
    /// Nothing.
    pub const fn new() -> Self {
        Self { bytes: [0; 64], left: 0..0 }
    }

    /// Sends back what has come, as much as there is room for. To be called after each `poll`.
    pub fn echo<B: UsbBus>(&mut self, port: &mut SerialPort<'_, B>) {
        if self.left.is_empty()
            && let Ok(length) = port.read(&mut self.bytes)
        {
            self.left = 0..length;
        }
        if !self.left.is_empty()
            && let Ok(written) = port.write(&self.bytes[self.left.clone()])
        {
            self.left.start += written;
        }
    }
}
