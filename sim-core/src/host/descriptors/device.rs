//! The device descriptor: USB 2.0 table 9-8.

use super::{DEVICE, Defect, DescriptorError, Raw};

/// A device descriptor, whole.
///
/// ```
/// # use sim_core::check::loopback;
/// # use sim_core::host::descriptors::{Defect, DeviceDescriptor};
/// let descriptor = DeviceDescriptor::parse(&loopback::DEVICE).unwrap();
/// assert_eq!((descriptor.vendor, descriptor.product), (0x1209, 0x0001));
/// assert!(DeviceDescriptor::parse(&loopback::DEVICE[..17]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDescriptor {
    /// bcdUSB: 0x0200 is USB 2.0.
    pub usb: u16,
    /// bDeviceClass.
    pub class: u8,
    /// bDeviceSubClass.
    pub subclass: u8,
    /// bDeviceProtocol.
    pub protocol: u8,
    /// bMaxPacketSize0, in bytes.
    pub max_packet_size: u8,
    /// idVendor.
    pub vendor: u16,
    /// idProduct.
    pub product: u16,
    /// bcdDevice.
    pub release: u16,
    /// iManufacturer: 0 is none.
    pub manufacturer_string: u8,
    /// iProduct: 0 is none.
    pub product_string: u8,
    /// iSerialNumber: 0 is none.
    pub serial_number_string: u8,
    /// bNumConfigurations.
    pub configurations: u8,
}

impl DeviceDescriptor {
    /// The length in bytes.
    pub const LENGTH: u16 = 18;

    /// Reads a device descriptor.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let raw = Raw::whole(bytes, DEVICE)?;
        let fields = raw.fields::<18>(18)?;
        let word = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
        check_max_packet_size(raw, fields[7])?;
        if fields[17] == 0 {
            return Err(raw.error(Defect::Count, 17, "bNumConfigurations 1 or more", "0"));
        }
        Ok(Self {
            usb: word(2),
            class: fields[4],
            subclass: fields[5],
            protocol: fields[6],
            max_packet_size: fields[7],
            vendor: word(8),
            product: word(10),
            release: word(12),
            manufacturer_string: fields[14],
            product_string: fields[15],
            serial_number_string: fields[16],
            configurations: fields[17],
        })
    }

    /// Reads bMaxPacketSize0 from the beginning of a device descriptor: its first 8 bytes, or more.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`].
    pub fn parse_max_packet_size(bytes: &[u8]) -> Result<u8, DescriptorError> {
        let (&[length, .., size], _) = bytes.split_first_chunk::<8>().ok_or_else(|| {
            let found = format!("{} bytes", bytes.len());
            DescriptorError::new(Defect::Truncated, 0, "8 bytes of a device descriptor", found)
        })?;
        let raw = Raw { offset: 0, bytes };
        raw.expect_kind(DEVICE)?;
        if u16::from(length) != Self::LENGTH {
            return Err(raw.error(Defect::Length, 0, "18", length.to_string()));
        }
        check_max_packet_size(raw, size)?;
        Ok(size)
    }
}

fn check_max_packet_size(raw: Raw<'_>, size: u8) -> Result<(), DescriptorError> {
    if matches!(size, 8 | 16 | 32 | 64) {
        return Ok(());
    }
    Err(raw.error(Defect::PacketSize, 7, "bMaxPacketSize0 8, 16, 32 or 64", size.to_string()))
}
