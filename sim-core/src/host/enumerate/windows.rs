//! Windows: 64 bytes at address 0, a reset, the configuration with 255 bytes, and string 0xEE.
//!
//! Sources: Microsoft's account of the steps (usbcoreblog, 2010-09-11, "How does USB stack enumerate a device?"): port
//! reset, the device descriptor for bMaxPacketSize0, second reset, SET_ADDRESS, device and configuration descriptor,
//! serial number. Recorded: gist abarisani/4595a7c535435038e0571237893c81c4 (Windows 10, a mass storage device);
//! cnblogs.com/ivan0512/p/14469169 (a WinUSB device), which this module follows: 64 bytes, SET_ADDRESS, 18 bytes, 255
//! bytes of configuration, string 0xEE with 18 bytes, serial number in English before the languages were asked for,
//! languages, product; then, for the class driver, 18 bytes, 9 bytes, all of the configuration, SET_CONFIGURATION.
//! hathach/tinyusb issue 1121 has 255 bytes of BOS after the configuration.
//!
//! *Uncertain*: the order of the strings, which differs between recordings; whether string 0xEE is asked for again
//! (the registry remembers a device that has none: libwdi, WCID-Devices); whether the manufacturer's string is read.
//! *Left out*: what a string 0xEE or a BOS leads to (vendor requests for Microsoft's descriptors); the device
//! qualifier, which a port that could be faster may ask for.

use super::super::descriptors::{self, Configuration};
use super::{Device, ENGLISH, Host, HostError, Strings, get_descriptor};

/// The index of Microsoft's OS string descriptor.
const MICROSOFT_STRING: u8 = 0xEE;

/// Its length, in bytes.
const MICROSOFT_STRING_LENGTH: u16 = 18;

impl Host {
    pub(super) async fn enumerate_as_windows(&mut self, address: u8) -> Result<Device, HostError> {
        self.read_packet_size_and_reset().await?;
        self.set_address_and_settle(address).await?;
        let descriptor = self.device_descriptor().await?;
        let beginning = self.control_in(get_descriptor(descriptors::CONFIGURATION, 0, 0, 255)).await?;
        // What is longer is read below.
        if Configuration::parse_total_length(&beginning)? <= 255 {
            Configuration::parse(&beginning)?;
        }
        let capabilities = match self.capabilities_at_once(descriptor.usb).await? {
            Some(bytes) => Some(descriptors::parse_bos(&bytes)?),
            None => None,
        };
        let mut microsoft = None;
        if descriptor.usb >= 0x0200 {
            let kind = descriptors::STRING;
            microsoft = self.optional(kind, MICROSOFT_STRING, 0, MICROSOFT_STRING_LENGTH).await?;
        }
        let mut strings = Strings::default();
        self.string(descriptor.serial_number_string, ENGLISH, &mut strings).await?;
        if let Some(language) = self.languages(&mut strings).await? {
            self.string(descriptor.product_string, language, &mut strings).await?;
        }
        let descriptor = self.device_descriptor().await?;
        let configuration = self.configuration_in_two().await?;
        self.choose(&configuration).await?;
        Ok(Device { address, descriptor, configuration, strings, capabilities, microsoft })
    }

    /// The BOS descriptor, with 255 bytes.
    async fn capabilities_at_once(&mut self, usb: u16) -> Result<Option<Vec<u8>>, HostError> {
        if usb < 0x0201 {
            return Ok(None);
        }
        self.optional(descriptors::BOS, 0, 0, 255).await
    }
}
