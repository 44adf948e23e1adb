//! The configuration descriptor with its interfaces and endpoints: USB 2.0 9.6.3 to 9.6.6.

use std::collections::BTreeSet;
use std::fmt;

use super::{CONFIGURATION, Defect, DescriptorError, ENDPOINT, INTERFACE, Other, Raw, check_total, walk};

/// A configuration, with all that follows its descriptor.
///
/// ```
/// # use sim_core::check::loopback;
/// # use sim_core::host::descriptors::{Configuration, TransferType};
/// let configuration = Configuration::parse(&loopback::CONFIGURATION).unwrap();
/// let endpoints: Vec<_> = configuration.endpoints(|_| 0).collect();
/// assert_eq!(endpoints[0].transfer, TransferType::Bulk);
/// assert_eq!((endpoints[0].number(), endpoints[0].is_in(), endpoints[1].is_in()), (1, true, false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// bConfigurationValue: what SET_CONFIGURATION takes.
    pub value: u8,
    /// iConfiguration: 0 is none.
    pub string: u8,
    /// bmAttributes.
    pub attributes: u8,
    /// The current it draws from the bus, in milliamperes.
    pub max_power_ma: u16,
    /// Class-specific descriptors before the first interface: interface associations.
    pub others: Vec<Other>,
    /// Its interfaces, each alternate setting by itself.
    pub interfaces: Vec<Interface>,
}

/// An alternate setting of an interface.
///
/// See [`Configuration`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// bInterfaceNumber.
    pub number: u8,
    /// bAlternateSetting.
    pub alternate: u8,
    /// bInterfaceClass.
    pub class: u8,
    /// bInterfaceSubClass.
    pub subclass: u8,
    /// bInterfaceProtocol.
    pub protocol: u8,
    /// iInterface: 0 is none.
    pub string: u8,
    /// Class-specific descriptors before the first endpoint.
    pub others: Vec<Other>,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint.
///
/// See [`Configuration`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// bEndpointAddress: the number, and bit 7 for IN.
    pub address: u8,
    /// What it is for.
    pub transfer: TransferType,
    /// wMaxPacketSize in bytes.
    pub max_packet_size: u16,
    /// bInterval: frames between polls of an interrupt endpoint.
    pub interval: u8,
    /// Class-specific descriptors that follow it.
    pub others: Vec<Other>,
}

/// What an endpoint is for: bmAttributes bits 1:0.
///
/// See [`Configuration`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferType {
    /// Control.
    Control,
    /// Isochronous.
    Isochronous,
    /// Bulk.
    Bulk,
    /// Interrupt.
    Interrupt,
}

impl fmt::Display for TransferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Control => "control",
            Self::Isochronous => "isochronous",
            Self::Bulk => "bulk",
            Self::Interrupt => "interrupt",
        })
    }
}

impl TransferType {
    fn of(attributes: u8) -> Self {
        match attributes & 3 {
            0 => Self::Control,
            1 => Self::Isochronous,
            2 => Self::Bulk,
            _ => Self::Interrupt,
        }
    }

    /// Whether full speed allows packets of this size (USB 2.0 5.5.3, 5.6.3, 5.7.3, 5.8.3).
    fn allows(self, size: u16) -> bool {
        match self {
            Self::Control | Self::Bulk => matches!(size, 8 | 16 | 32 | 64),
            Self::Interrupt => (1..=64).contains(&size),
            Self::Isochronous => size <= 1023,
        }
    }
}

impl Endpoint {
    /// The endpoint's number.
    pub fn number(&self) -> u8 {
        self.address & 0x0F
    }

    /// Whether it sends.
    pub fn is_in(&self) -> bool {
        self.address & 0x80 != 0
    }

    fn parse(raw: Raw<'_>) -> Result<Self, DescriptorError> {
        // Audio 1.0 adds bRefresh and bSynchAddress.
        let &[_, _, address, attributes, low, high, interval] = raw.fields::<7>(9)?;
        let transfer = TransferType::of(attributes);
        let max_packet_size = u16::from_le_bytes([low, high]);
        if address & 0x0F == 0 || address & 0x70 != 0 {
            let expected = "bEndpointAddress with a number from 1 to 15, and bits 6:4 zero";
            return Err(raw.error(Defect::Number, 2, expected, format!("{address:#04x}")));
        }
        if !transfer.allows(max_packet_size) {
            let expected = format!("wMaxPacketSize of a full-speed {transfer} endpoint");
            return Err(raw.error(Defect::PacketSize, 4, expected, max_packet_size.to_string()));
        }
        if transfer == TransferType::Interrupt && interval == 0 {
            return Err(raw.error(Defect::Number, 6, "bInterval 1 or more", "0"));
        }
        Ok(Self { address, transfer, max_packet_size, interval, others: Vec::new() })
    }
}

impl Interface {
    /// Reads the descriptor; its endpoints follow. The second is bNumEndpoints.
    fn parse(raw: Raw<'_>) -> Result<(Self, u8), DescriptorError> {
        let &[_, _, number, alternate, count, class, subclass, protocol, string] = raw.fields::<9>(9)?;
        let (others, endpoints) = (Vec::new(), Vec::new());
        Ok((Self { number, alternate, class, subclass, protocol, string, others, endpoints }, count))
    }
}

impl Configuration {
    /// The length of the descriptor alone, in bytes.
    pub const LENGTH: u16 = 9;

    /// wTotalLength from the beginning of a configuration descriptor: its first 9 bytes, or more.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`].
    pub fn parse_total_length(bytes: &[u8]) -> Result<u16, DescriptorError> {
        let head = Raw::at(bytes, 0)?;
        head.expect_kind(CONFIGURATION)?;
        let &[_, _, low, high, ..] = head.fields::<9>(9)?;
        let total = u16::from_le_bytes([low, high]);
        if total < Self::LENGTH {
            return Err(head.error(Defect::TotalLength, 2, "9 or more", total.to_string()));
        }
        Ok(total)
    }

    /// Reads a configuration, whole.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let total = Self::parse_total_length(bytes)?;
        let head = Raw::at(bytes, 0)?;
        check_total(head, total, bytes)?;
        let &[_, _, _, _, count, value, string, attributes, power] = head.fields::<9>(9)?;
        if value == 0 {
            return Err(head.error(Defect::Number, 5, "bConfigurationValue 1 or more", "0"));
        }
        let mut parser = Parser::default();
        for raw in walk(bytes, head.bytes.len()) {
            parser.take(raw?)?;
        }
        parser.check_endpoint_count()?;
        let Parser { others, interfaces, numbers, .. } = parser;
        if numbers.len() != usize::from(count) {
            return Err(head.error(Defect::Count, 4, format!("bNumInterfaces {}", numbers.len()), count.to_string()));
        }
        Ok(Self { value, string, attributes, max_power_ma: u16::from(power) * 2, others, interfaces })
    }

    /// The endpoints of these alternate settings of all interfaces; setting 0 where none is named.
    pub fn endpoints(&self, alternate: impl Fn(u8) -> u8) -> impl Iterator<Item = &Endpoint> {
        let chosen = move |interface: &&Interface| interface.alternate == alternate(interface.number);
        self.interfaces.iter().filter(chosen).flat_map(|interface| &interface.endpoints)
    }
}

/// What was read so far.
#[derive(Default)]
struct Parser<'a> {
    others: Vec<Other>,
    interfaces: Vec<Interface>,
    /// The interfaces' numbers, each once.
    numbers: BTreeSet<u8>,
    /// The interface that is being read, and its bNumEndpoints.
    current: Option<(Raw<'a>, u8)>,
}

impl<'a> Parser<'a> {
    fn take(&mut self, raw: Raw<'a>) -> Result<(), DescriptorError> {
        match raw.kind() {
            INTERFACE => self.take_interface(raw),
            ENDPOINT => self.take_endpoint(raw),
            kind @ (super::DEVICE | CONFIGURATION | super::STRING) => {
                Err(raw.error(Defect::Order, 1, "a descriptor of an interface", format!("type {kind}")))
            }
            _ => {
                self.owner_of_others().push(raw.to_other());
                Ok(())
            }
        }
    }

    /// A class-specific descriptor belongs to what stands before it.
    fn owner_of_others(&mut self) -> &mut Vec<Other> {
        let Some(interface) = self.interfaces.last_mut() else {
            return &mut self.others;
        };
        match interface.endpoints.last_mut() {
            Some(endpoint) => &mut endpoint.others,
            None => &mut interface.others,
        }
    }

    fn take_interface(&mut self, raw: Raw<'a>) -> Result<(), DescriptorError> {
        self.check_endpoint_count()?;
        let (interface, count) = Interface::parse(raw)?;
        let Interface { number, alternate, .. } = interface;
        let is_same = |other: &Interface| (other.number, other.alternate) == (number, alternate);
        if self.interfaces.iter().any(is_same) {
            let found = format!("interface {number}, setting {alternate}, again");
            return Err(raw.error(Defect::Number, 2, "an interface or a setting of its own", found));
        }
        self.numbers.insert(number);
        self.interfaces.push(interface);
        self.current = Some((raw, count));
        Ok(())
    }

    fn take_endpoint(&mut self, raw: Raw<'a>) -> Result<(), DescriptorError> {
        let endpoint = Endpoint::parse(raw)?;
        let Some(interface) = self.interfaces.last_mut() else {
            return Err(raw.error(Defect::Order, 1, "an interface", "an endpoint"));
        };
        if interface.endpoints.iter().any(|other| other.address == endpoint.address) {
            let found = format!("{:#04x} again", endpoint.address);
            return Err(raw.error(Defect::Number, 2, "an endpoint of its own", found));
        }
        interface.endpoints.push(endpoint);
        Ok(())
    }

    fn check_endpoint_count(&self) -> Result<(), DescriptorError> {
        let (Some((raw, count)), Some(interface)) = (self.current, self.interfaces.last()) else {
            return Ok(());
        };
        let there = interface.endpoints.len();
        if there == usize::from(count) {
            return Ok(());
        }
        Err(raw.error(Defect::Count, 4, format!("bNumEndpoints {there}"), count.to_string()))
    }
}
