//! Descriptors, read as strictly as USB 2.0 chapter 9 allows.
//!
//! A device under test should be told what is wrong with its descriptors, so nothing is repaired here: what a host
//! would have to guess is an error, which says where, what was due and what came. No bytes make these functions panic.
//!
//! | what | becomes | checked |
//! |---|---|---|
//! | device | [`DeviceDescriptor`] | length, type, bMaxPacketSize0, a configuration at least |
//! | configuration | [`Configuration`], its interfaces and endpoints | lengths, order, counts, numbers, packet sizes |
//! | string | [`parse_string`], [`parse_languages`] | length, type, whole UTF-16 units, pairs |
//! | BOS | [`parse_bos`], capabilities as bytes | lengths, count |
//! | class-specific, interface association, other | [`Other`], as bytes | lengths |
//!
//! *Not checked*: whether interface associations are contiguous, reserved bits, class codes.

use thiserror::Error;

mod configuration;
mod device;
mod string;

pub use configuration::{Configuration, Endpoint, Interface, TransferType};
pub use device::DeviceDescriptor;
pub use string::{parse_languages, parse_string};

/// bDescriptorType DEVICE.
pub const DEVICE: u8 = 1;
/// bDescriptorType CONFIGURATION.
pub const CONFIGURATION: u8 = 2;
/// bDescriptorType STRING.
pub const STRING: u8 = 3;
/// bDescriptorType INTERFACE.
pub const INTERFACE: u8 = 4;
/// bDescriptorType ENDPOINT.
pub const ENDPOINT: u8 = 5;
/// bDescriptorType DEVICE_QUALIFIER.
pub const DEVICE_QUALIFIER: u8 = 6;
/// bDescriptorType BOS (USB 3.2 table 9-5; a USB 2.1 device has one).
pub const BOS: u8 = 15;

/// What is wrong with a descriptor.
///
/// See [`DeviceDescriptor`] for an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{defect}, at byte {offset}: {expected} is due, and {found} is there")]
pub struct DescriptorError {
    /// What is wrong.
    pub defect: Defect,
    /// Where the field, or the descriptor, begins in what the device sent.
    pub offset: usize,
    /// What was due there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// The kinds of defect.
///
/// See [`DeviceDescriptor`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Defect {
    /// The bytes end before the descriptor does.
    #[error("the descriptor is cut short")]
    Truncated,
    /// bLength is wrong for the type.
    #[error("bLength is wrong")]
    Length,
    /// bDescriptorType is not what was asked for.
    #[error("bDescriptorType is wrong")]
    Type,
    /// wTotalLength is not what the device sent.
    #[error("wTotalLength is wrong")]
    TotalLength,
    /// A count is not the number of what follows.
    #[error("a count is wrong")]
    Count,
    /// A descriptor stands where none of its type may.
    #[error("a descriptor is out of place")]
    Order,
    /// An interface or endpoint has the number of another, or one that cannot be.
    #[error("a number is wrong")]
    Number,
    /// A packet size that the endpoint cannot have.
    #[error("the packet size is wrong")]
    PacketSize,
    /// A string that is no UTF-16.
    #[error("the string is no UTF-16")]
    Text,
}

impl DescriptorError {
    fn new(defect: Defect, offset: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { defect, offset, expected: expected.into(), found: found.into() }
    }
}

/// A descriptor whose type is left to the class.
///
/// See [`parse_bos`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Where it begins in what the device sent.
    pub offset: usize,
    /// All its bytes: bLength and bDescriptorType as well.
    pub bytes: Vec<u8>,
}

impl Other {
    /// bDescriptorType.
    pub fn kind(&self) -> u8 {
        self.bytes[1]
    }
}

/// One descriptor among others: its bytes, `bLength` of them, two at least.
#[derive(Clone, Copy, Debug)]
struct Raw<'a> {
    offset: usize,
    bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    /// The descriptor that begins at `offset`.
    fn at(all: &'a [u8], offset: usize) -> Result<Self, DescriptorError> {
        let rest = all.get(offset..).unwrap_or_default();
        let [length, _, ..] = rest else {
            let found = bytes(rest.len());
            return Err(DescriptorError::new(Defect::Truncated, offset, "bLength and bDescriptorType", found));
        };
        let length = usize::from(*length);
        if length < 2 {
            return Err(DescriptorError::new(Defect::Length, offset, "2 or more", length.to_string()));
        }
        let Some(bytes_of_it) = rest.get(..length) else {
            return Err(DescriptorError::new(Defect::Truncated, offset, bytes(length), bytes(rest.len())));
        };
        Ok(Self { offset, bytes: bytes_of_it })
    }

    /// The descriptor that all of `all` is.
    fn whole(all: &'a [u8], kind: u8) -> Result<Self, DescriptorError> {
        let raw = Self::at(all, 0)?;
        raw.expect_kind(kind)?;
        if raw.bytes.len() < all.len() {
            return Err(DescriptorError::new(Defect::Length, 0, all.len().to_string(), raw.bytes.len().to_string()));
        }
        Ok(raw)
    }

    fn kind(self) -> u8 {
        self.bytes[1]
    }

    fn expect_kind(self, kind: u8) -> Result<(), DescriptorError> {
        let (expected, found) = (format!("type {kind}"), format!("type {}", self.kind()));
        if self.kind() == kind { Ok(()) } else { Err(self.error(Defect::Type, 1, expected, found)) }
    }

    /// The first `N` bytes of a descriptor that has so many, or as many as a later standard adds: `longest`.
    fn fields<const N: usize>(self, longest: usize) -> Result<&'a [u8; N], DescriptorError> {
        let length = self.bytes.len();
        match self.bytes.first_chunk() {
            Some(fields) if length <= longest => Ok(fields),
            _ => Err(self.error(Defect::Length, 0, N.to_string(), length.to_string())),
        }
    }

    fn error(
        self,
        defect: Defect,
        at: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DescriptorError {
        DescriptorError::new(defect, self.offset + at, expected, found)
    }

    fn to_other(self) -> Other {
        Other { offset: self.offset, bytes: self.bytes.to_vec() }
    }
}

fn bytes(count: usize) -> String {
    format!("{count} bytes")
}

/// The descriptors one after the other, each with its length, that `all` is from `offset` on.
fn walk(all: &[u8], mut offset: usize) -> impl Iterator<Item = Result<Raw<'_>, DescriptorError>> {
    std::iter::from_fn(move || {
        if offset >= all.len() {
            return None;
        }
        let raw = Raw::at(all, offset);
        offset = raw.as_ref().map_or(all.len(), |raw| offset + raw.bytes.len());
        Some(raw)
    })
}

/// The capabilities in a BOS descriptor, as bytes.
///
/// ```
/// # use sim_core::host::descriptors::parse_bos;
/// // One capability: USB 2.0 extension.
/// let bos = [5, 15, 12, 0, 1, 7, 16, 2, 2, 0, 0, 0];
/// assert_eq!(parse_bos(&bos).unwrap()[0].kind(), 16);
/// ```
///
/// # Errors
///
/// [`DescriptorError`].
pub fn parse_bos(bytes: &[u8]) -> Result<Vec<Other>, DescriptorError> {
    let head = Raw::at(bytes, 0)?;
    head.expect_kind(BOS)?;
    let &[_, _, low, high, count] = head.fields::<5>(5)?;
    check_total(head, u16::from_le_bytes([low, high]), bytes)?;
    let capabilities = walk(bytes, head.bytes.len()).collect::<Result<Vec<_>, _>>()?;
    if capabilities.len() != usize::from(count) {
        let expected = format!("bNumDeviceCaps {}", capabilities.len());
        return Err(head.error(Defect::Count, 4, expected, count.to_string()));
    }
    Ok(capabilities.into_iter().map(Raw::to_other).collect())
}

/// wTotalLength is what came.
fn check_total(head: Raw<'_>, total: u16, all: &[u8]) -> Result<(), DescriptorError> {
    if usize::from(total) == all.len() {
        return Ok(());
    }
    Err(head.error(Defect::TotalLength, 2, all.len().to_string(), total.to_string()))
}

#[cfg(test)]
pub(super) mod tests;
