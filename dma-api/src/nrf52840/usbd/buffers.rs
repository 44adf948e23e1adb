//! Memory for packets.

use core::fmt;

use super::map;

/// Memory that packets are sent from and received into: 64 bytes in RAM.
///
/// ```
/// # use dma_api::nrf52840::usbd::PacketBuffer;
/// let buffer: &'static mut PacketBuffer = Box::leak(Box::new(PacketBuffer::new())); // on a host
/// assert_eq!(size_of_val(buffer), 64);
/// ```
/// On the chip it is a `static`: see the [crate](crate#use).
#[repr(C, align(4))]
pub struct PacketBuffer(pub(super) [u8; map::PACKET_SIZE]);

impl PacketBuffer {
    /// A buffer of zeros.
    pub const fn new() -> Self {
        Self([0; map::PACKET_SIZE])
    }
}

impl Default for PacketBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PacketBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PacketBuffer")
    }
}

/// Memory for an isochronous packet, in RAM.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, IsoBuffer, PacketBuffer, UsbBus, Usbd};
/// fn bus(
///     usbd: Usbd<ChipBus<InOrder>>,
///     buffer: &'static mut PacketBuffer,
///     isochronous: &'static mut IsoBuffer,
/// ) -> UsbBus<ChipBus<InOrder>> {
///     UsbBus::with_isochronous(usbd, buffer, isochronous)
/// }
/// ```
#[cfg(feature = "usb-device")]
#[repr(C, align(4))]
pub struct IsoBuffer(pub(super) [u8; map::ISO_PACKET_SIZE]);

#[cfg(feature = "usb-device")]
impl IsoBuffer {
    /// A buffer of zeros.
    pub const fn new() -> Self {
        Self([0; map::ISO_PACKET_SIZE])
    }
}

#[cfg(feature = "usb-device")]
impl Default for IsoBuffer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "usb-device")]
impl fmt::Debug for IsoBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsoBuffer")
    }
}
