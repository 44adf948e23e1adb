//! The chip's end of the wire: a token comes in, a handshake or a packet goes out.

use std::fmt;

use super::*;

/// The bytes of one packet, 64 at most.
///
/// ```
/// # use sim_core::device::usbd::{Answer, Packet, Token};
/// let token = Token::Out { data1: true, packet: Packet::new(&[1, 2]) };
/// assert_eq!(token.to_string(), "OUT DATA1, 2 bytes");
/// assert_eq!(Answer::Nak.to_string(), "NAK");
/// ```
///
/// # Invariants
///
/// - What follows the packet's bytes is zero: packets with the same bytes are equal, and hash alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    bytes: [u8; PACKET_SIZE],
    length: u8,
}

impl Packet {
    /// No bytes.
    pub const EMPTY: Self = Self { bytes: [0; PACKET_SIZE], length: 0 };

    /// The packet with these bytes.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    pub fn new(bytes: &[u8]) -> Self {
        let mut packet = Self::with_length([0; PACKET_SIZE], bytes.len());
        packet.bytes[..bytes.len()].copy_from_slice(bytes);
        packet
    }

    /// The first `length` bytes of an endpoint's buffer.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter.
    pub fn with_length(mut bytes: [u8; PACKET_SIZE], length: usize) -> Self {
        assert!(length <= PACKET_SIZE, "a packet has at most {PACKET_SIZE} bytes, not {length}");
        // INVARIANT: the rest is zero.
        bytes[length..].fill(0);
        Self { bytes, length: length.to_le_bytes()[0] }
    }

    /// The number of bytes.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The bytes, to be filled by an engine.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..usize::from(self.length)]
    }
}

/// What the host sends to start a transaction.
///
/// See [`Packet`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// SETUP and its eight bytes.
    Setup([u8; 8]),
    /// IN.
    In,
    /// OUT and its packet.
    Out {
        /// The data toggle: DATA0 or DATA1.
        data1: bool,
        /// The bytes.
        packet: Packet,
    },
}

impl Token {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "SETUP",
            Self::In => "IN",
            Self::Out { .. } => "OUT",
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(bytes) => {
                f.write_str("SETUP")?;
                bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
            Self::In => f.write_str("IN"),
            Self::Out { data1, packet } => {
                write!(f, "OUT DATA{}, {} bytes", u8::from(*data1), packet.length())
            }
        }
    }
}

/// What the device answers.
///
/// See [`Packet`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing: the host's transaction times out.
    Silence,
    /// ACK.
    Ack,
    /// NAK: try again.
    Nak,
    /// STALL.
    Stall,
    /// DATA0 or DATA1; the host owes an ACK.
    Data {
        /// The data toggle.
        data1: bool,
        /// The bytes.
        packet: Packet,
    },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence => f.write_str("no answer"),
            Self::Ack => f.write_str("ACK"),
            Self::Nak => f.write_str("NAK"),
            Self::Stall => f.write_str("STALL"),
            Self::Data { data1, packet } => {
                write!(f, "DATA{}, {} bytes", u8::from(*data1), packet.length())
            }
        }
    }
}

impl Usbd {
    /// One token from the host to `endpoint` of the device at `address`. Endpoint 8 is not spoken to in this way: see
    /// [`Usbd::iso_in`] and [`Usbd::iso_out`].
    ///
    /// [`Answer::Data`] is to be followed by [`Usbd::acknowledge`], if the host got it.
    pub fn token(&mut self, address: u8, endpoint: u8, token: &Token) -> Answer {
        let answer = self.answer(address, endpoint, token);
        match (token, answer) {
            (Token::Setup(bytes), Answer::Ack) => self.on_setup(*bytes),
            (Token::Out { data1, packet }, Answer::Ack) if endpoint == 0 => self.on_out_of_ep0(*data1, packet),
            (Token::Out { data1, packet }, Answer::Ack) => self.on_out(usize::from(endpoint), *data1, packet),
            _ => {}
        }
        answer
    }

    /// Whether [`Usbd::token`] would answer NAK, without any effect.
    pub(crate) fn answers_nak(&self, address: u8, endpoint: u8, token: &Token) -> bool {
        matches!(self.answer(address, endpoint, token), Answer::Nak)
    }

    /// What [`Usbd::token`] would answer, without any effect.
    // Always inlined: `answers_nak` is asked at each choice point, and has no packet copied if it sees where that goes.
    #[inline(always)]
    pub fn answer(&self, address: u8, endpoint: u8, token: &Token) -> Answer {
        let bit = 1u32.checked_shl(endpoint.into()).unwrap_or_default();
        let enabled = match token {
            Token::Setup(_) => true,
            Token::In => self.epinen & bit != 0,
            Token::Out { .. } => self.epouten & bit != 0,
        };
        if !self.is_active() || self.is_deaf() || address != self.usbaddr || !enabled {
            return Answer::Silence;
        }
        match endpoint {
            0 => self.answer_of_ep0(token),
            1..=7 => self.answer_of_data(usize::from(endpoint), token),
            _ => Answer::Silence,
        }
    }

    /// The host's ACK for the packet that `endpoint` has sent.
    ///
    /// Without it the packet stays, and the next IN token gets it again: the host has not got it, or its ACK was lost.
    pub fn acknowledge(&mut self, endpoint: u8) {
        match endpoint {
            0 => self.on_ack_of_ep0(),
            1..=7 => self.on_ack(usize::from(endpoint)),
            _ => {}
        }
    }
}
