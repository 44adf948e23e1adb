//! The bytes that a transfer moves.

use super::*;

/// What is moved between RAM and an endpoint.
///
/// ```
/// # use sim_core::device::usbd::{Packet, Payload};
/// let payload = Payload::Short(Packet::new(&[1, 2, 3]));
/// assert_eq!((payload.length(), payload.bytes()), (3, &[1, 2, 3][..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// A packet of endpoints 0 to 7.
    Short(Packet),
    /// One of endpoint 8, of up to 1023 bytes.
    Long(Box<[u8]>),
}

impl Payload {
    /// The number of bytes.
    pub fn length(&self) -> usize {
        self.bytes().len()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(packet) => packet.bytes(),
            Self::Long(bytes) => bytes,
        }
    }

    /// The bytes, to be filled by an engine.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Short(packet) => packet.bytes_mut(),
            Self::Long(bytes) => bytes,
        }
    }

    pub(super) fn corrupt(&mut self) {
        self.bytes_mut().iter_mut().for_each(|byte| *byte ^= 0xFF);
    }
}

impl From<Packet> for Payload {
    fn from(packet: Packet) -> Self {
        Self::Short(packet)
    }
}
