//! Linux: 64 bytes at address 0, a reset, then everything at its new address.
//!
//! Source: torvalds/linux 002bba562dd3, `drivers/usb/core/hub.c`, `hub_port_init` with the new scheme, which is tried
//! first for full speed: device descriptor of 64 bytes (the transfer ends with its first short packet), reset,
//! SET_ADDRESS, 18 bytes, the BOS descriptor from bcdUSB 2.01 on. Then, by `usb_enumerate_device`: the configuration, 9
//! bytes and all; the strings, with languages first, 255 bytes each; product, manufacturer, serial number;
//! SET_CONFIGURATION; the strings of configuration and interfaces. A recorded enumeration (RoganDawes/LOGITacker
//! 4a943c9c302c, `fingerprint_os.md`) has the same order, and three requests for the device qualifier after the 18
//! bytes: `check_highspeed`, for a device on a hub that could be faster.
//!
//! *Uncertain*: the recorded strings come in another order (drivers and tools ask as well). *Left out*: what is tried
//! after an error (old scheme, shorter reads of strings); further configurations, which are read and not used here.

use super::super::descriptors::{self, Configuration, Defect, DescriptorError, DeviceDescriptor};
use super::{Device, Host, HostError, Strings, get_descriptor};

/// The length of a device qualifier, in bytes.
const QUALIFIER_LENGTH: u16 = 10;

impl Host {
    pub(super) async fn enumerate_as_linux(&mut self, address: u8) -> Result<Device, HostError> {
        self.read_packet_size_and_reset().await?;
        self.set_address_and_settle(address).await?;
        let descriptor = self.device_descriptor().await?;
        let capabilities = self.capabilities_in_two(&descriptor).await?;
        if descriptor.usb >= 0x0200 {
            self.ask_for_qualifier().await?;
        }
        let configuration = self.configuration_in_two().await?;
        let mut strings = Strings::default();
        let language = self.languages(&mut strings).await?;
        if let Some(language) = language {
            for index in [descriptor.product_string, descriptor.manufacturer_string, descriptor.serial_number_string] {
                self.string(index, language, &mut strings).await?;
            }
        }
        self.choose(&configuration).await?;
        if let Some(language) = language {
            self.strings_of(&configuration, language, &mut strings).await?;
        }
        Ok(Device { address, descriptor, configuration, strings, capabilities, microsoft: None })
    }

    /// The BOS descriptor: 5 bytes, then all of it.
    async fn capabilities_in_two(
        &mut self,
        descriptor: &DeviceDescriptor,
    ) -> Result<Option<Vec<descriptors::Other>>, HostError> {
        if descriptor.usb < 0x0201 {
            return Ok(None);
        }
        let Some(beginning) = self.optional(descriptors::BOS, 0, 0, 5).await? else {
            return Ok(None);
        };
        let &[_, _, low, high, _] = beginning.as_slice() else {
            let (defect, found) = (Defect::Truncated, format!("{} bytes", beginning.len()));
            return Err(DescriptorError { defect, offset: 0, expected: "5 bytes of BOS".to_owned(), found }.into());
        };
        let total = u16::from_le_bytes([low, high]);
        let bytes = self.control_in(get_descriptor(descriptors::BOS, 0, 0, total)).await?;
        Ok(Some(descriptors::parse_bos(&bytes)?))
    }

    /// Three times, until it is granted. A full-speed device is to refuse (USB 2.0 9.6.2).
    async fn ask_for_qualifier(&mut self) -> Result<(), HostError> {
        for _ in 0..3 {
            if self.optional(descriptors::DEVICE_QUALIFIER, 0, 0, QUALIFIER_LENGTH).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn strings_of(
        &mut self,
        configuration: &Configuration,
        language: u16,
        strings: &mut Strings,
    ) -> Result<(), HostError> {
        self.string(configuration.string, language, strings).await?;
        for interface in &configuration.interfaces {
            self.string(interface.string, language, strings).await?;
        }
        Ok(())
    }
}
