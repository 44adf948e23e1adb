//! macOS: SET_ADDRESS first, then 8 bytes and 18; strings by their length.
//!
//! Sources, all recorded by devices: hathach/tinyusb issues 450 and 498: reset, SET_ADDRESS, device descriptor of 8
//! bytes, of 18 bytes, product string of 2 bytes and then of its bLength. Gist
//! abarisani/4595a7c535435038e0571237893c81c4 (macOS 10.15.5): strings without asking for the languages, then the
//! configuration, 9 bytes and all. keyboardio/FingerprintUSBHost: it never asks for 255 bytes of a string. A device
//! that sends 18 bytes where 8 are asked for is not accepted (sekigon-gonnoc/Pico-PIO-USB pull request 200).
//!
//! *Uncertain*: manufacturer and serial number after the product (the recordings here end before); whether the BOS
//! descriptor is asked for; what releases before 10.11, with another USB stack, did.

use super::super::descriptors::{self, Defect, DescriptorError, DeviceDescriptor};
use super::{Device, ENGLISH, Host, HostError, Strings, get_descriptor};

impl Host {
    pub(super) async fn enumerate_as_macos(&mut self, address: u8) -> Result<Device, HostError> {
        self.reset_and_settle().await?;
        self.set_address_and_settle(address).await?;
        let beginning = self.control_in(get_descriptor(descriptors::DEVICE, 0, 0, 8)).await?;
        self.set_control_packet_size(DeviceDescriptor::parse_max_packet_size(&beginning)?);
        let descriptor = self.device_descriptor().await?;
        let mut strings = Strings::default();
        for index in [descriptor.product_string, descriptor.manufacturer_string, descriptor.serial_number_string] {
            self.string_in_two(index, &mut strings).await?;
        }
        let configuration = self.configuration_in_two().await?;
        self.choose(&configuration).await?;
        Ok(Device { address, descriptor, configuration, strings, capabilities: None, microsoft: None })
    }

    /// A string in English: 2 bytes, then its bLength.
    async fn string_in_two(&mut self, index: u8, strings: &mut Strings) -> Result<(), HostError> {
        if index == 0 {
            return Ok(());
        }
        let Some(beginning) = self.optional(descriptors::STRING, index, ENGLISH, 2).await? else {
            return Ok(());
        };
        let &[length, _] = beginning.as_slice() else {
            let (defect, found) = (Defect::Truncated, format!("{} bytes", beginning.len()));
            return Err(DescriptorError { defect, offset: 0, expected: "2 bytes of a string".to_owned(), found }.into());
        };
        if let Some(bytes) = self.optional(descriptors::STRING, index, ENGLISH, length.into()).await? {
            strings.texts.insert(index, descriptors::parse_string(&bytes)?);
        }
        Ok(())
    }
}
