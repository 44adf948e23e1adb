//! Enumeration: what operating systems ask a device that is plugged in, in their orders.
//!
//! | host | begins with | configuration | strings |
//! |---|---|---|---|
//! | [`Linux`](OperatingSystem::Linux) | device, 64 bytes, at address 0; a reset | 9 bytes, then all | 255 bytes |
//! | [`Windows`](OperatingSystem::Windows) | device, 64 bytes, at address 0; a reset | 255 bytes | 255, and 0xEE |
//! | [`MacOs`](OperatingSystem::MacOs) | SET_ADDRESS | 9 bytes, then all | 2 bytes, then all |
//!
//! The orders are of recorded enumerations and, for Linux, of its source; each module says which, and what is
//! uncertain. They hold for a full-speed device, and up to SET_CONFIGURATION; what class drivers ask is left to the
//! script. Where a real host goes on without an answer (a string, a qualifier, a BOS descriptor that the device
//! refuses), so does this one. It does not go on with a descriptor that makes no sense, and it does not begin again
//! after an error: hosts do, three or four times, and hide what a test wants to see. After each reset and SET_ADDRESS
//! it waits, as they do ([`Host::settle`]).

use std::collections::BTreeMap;

use super::descriptors::{self, Configuration, DeviceDescriptor, Other};
use super::requests::get_descriptor;
use super::{Host, HostError};

mod linux;
mod macos;
mod windows;

/// Whose order the host follows.
///
/// ```
/// # use sim_core::host::enumerate::OperatingSystem;
/// # use sim_core::host::{Host, HostError};
/// async fn plug_in(mut host: Host) -> Result<(), HostError> {
///     let device = host.enumerate(OperatingSystem::Windows, 5).await?;
///     assert_eq!(device.product(), Some("loopback"));
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperatingSystem {
    /// Linux 5 and 6.
    Linux,
    /// Windows 7 to 11.
    Windows,
    /// macOS 10.15 and later.
    MacOs,
}

impl OperatingSystem {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Linux, Self::Windows, Self::MacOs];
}

impl std::fmt::Display for OperatingSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::MacOs => "macos",
        })
    }
}

/// What a host knows of a device that it has configured.
///
/// See [`OperatingSystem`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its address.
    pub address: u8,
    /// Its device descriptor.
    pub descriptor: DeviceDescriptor,
    /// The configuration that was chosen: the first.
    pub configuration: Configuration,
    /// The strings that the host has asked for and got.
    pub strings: Strings,
    /// The capabilities in its BOS descriptor, if the host asked for it and the device has one.
    pub capabilities: Option<Vec<Other>>,
    /// Its Microsoft OS string descriptor, bytes as they came, if the host asked for it and the device has one.
    pub microsoft: Option<Vec<u8>>,
}

/// A device's strings.
///
/// See [`OperatingSystem`] for an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// The languages that they are in, if the host asked.
    pub languages: Vec<u16>,
    /// The strings by index.
    pub texts: BTreeMap<u8, String>,
}

impl Device {
    /// The manufacturer's name.
    pub fn manufacturer(&self) -> Option<&str> {
        self.text(self.descriptor.manufacturer_string)
    }

    /// The product's name.
    pub fn product(&self) -> Option<&str> {
        self.text(self.descriptor.product_string)
    }

    /// The serial number.
    pub fn serial_number(&self) -> Option<&str> {
        self.text(self.descriptor.serial_number_string)
    }

    fn text(&self, index: u8) -> Option<&str> {
        self.strings.texts.get(&index).map(String::as_str)
    }
}

/// US English: what hosts take when they do not ask.
const ENGLISH: u16 = 0x0409;

impl Host {
    /// Resets the bus, gives the device this address, reads its descriptors as `system` does, and sets its first
    /// configuration.
    ///
    /// # Errors
    ///
    /// As [`control_in`](Self::control_in), and [`HostError::Descriptor`]; [`HostError::NoDevice`].
    pub async fn enumerate(&mut self, system: OperatingSystem, address: u8) -> Result<Device, HostError> {
        match system {
            OperatingSystem::Linux => self.enumerate_as_linux(address).await,
            OperatingSystem::Windows => self.enumerate_as_windows(address).await,
            OperatingSystem::MacOs => self.enumerate_as_macos(address).await,
        }
    }

    /// Reads 64 bytes of a device that has no address yet, for bMaxPacketSize0, and resets it. The transfer ends after
    /// one packet, whatever is in it: shorter than 64, it is the last.
    async fn read_packet_size_and_reset(&mut self) -> Result<(), HostError> {
        self.reset_and_settle().await?;
        let beginning = self.control_in(get_descriptor(descriptors::DEVICE, 0, 0, 64)).await?;
        let size = DeviceDescriptor::parse_max_packet_size(&beginning)?;
        self.reset_and_settle().await?;
        self.set_control_packet_size(size);
        Ok(())
    }

    async fn reset_and_settle(&mut self) -> Result<(), HostError> {
        self.reset().await?;
        self.settle().await
    }

    async fn set_address_and_settle(&mut self, address: u8) -> Result<(), HostError> {
        self.set_address(address).await?;
        self.settle().await
    }

    async fn device_descriptor(&mut self) -> Result<DeviceDescriptor, HostError> {
        let length = DeviceDescriptor::LENGTH;
        let bytes = self.control_in(get_descriptor(descriptors::DEVICE, 0, 0, length)).await?;
        Ok(DeviceDescriptor::parse(&bytes)?)
    }

    /// The first configuration: its descriptor alone, then all of it.
    async fn configuration_in_two(&mut self) -> Result<Configuration, HostError> {
        let kind = descriptors::CONFIGURATION;
        let beginning = self.control_in(get_descriptor(kind, 0, 0, Configuration::LENGTH)).await?;
        let total = Configuration::parse_total_length(&beginning)?;
        let bytes = self.control_in(get_descriptor(kind, 0, 0, total)).await?;
        Ok(Configuration::parse(&bytes)?)
    }

    /// A descriptor that the device may refuse.
    async fn optional(
        &mut self,
        kind: u8,
        number: u8,
        language: u16,
        length: u16,
    ) -> Result<Option<Vec<u8>>, HostError> {
        match self.control_in(get_descriptor(kind, number, language, length)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(HostError::Stalled { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A string, asked for with 255 bytes. Index 0 is none.
    async fn string(&mut self, index: u8, language: u16, strings: &mut Strings) -> Result<(), HostError> {
        if index == 0 || strings.texts.contains_key(&index) {
            return Ok(());
        }
        if let Some(bytes) = self.optional(descriptors::STRING, index, language, 255).await? {
            strings.texts.insert(index, descriptors::parse_string(&bytes)?);
        }
        Ok(())
    }

    /// The languages that the device has strings in, asked for with 255 bytes. Returns the first.
    async fn languages(&mut self, strings: &mut Strings) -> Result<Option<u16>, HostError> {
        let Some(bytes) = self.optional(descriptors::STRING, 0, 0, 255).await? else {
            return Ok(None);
        };
        strings.languages = descriptors::parse_languages(&bytes)?;
        Ok(strings.languages.first().copied())
    }

    /// Sets the configuration, and takes its endpoints to be as it says.
    async fn choose(&mut self, configuration: &Configuration) -> Result<(), HostError> {
        self.use_configuration(configuration.clone());
        self.set_configuration(configuration.value).await
    }
}
