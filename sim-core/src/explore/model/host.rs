//! The host of a model: what it does, and after which transfer.
//!
//! It is told what to do before the execution begins, step by step. What it does takes effect when the driver's
//! register read has seen it, as all that the device thread does. A packet that is answered with NAK it sends, or asks
//! for, again at the driver's next look, and goes no further before.

use crate::device::usbd::{Answer, Packet, Token};
use crate::soc::Soc;

/// What the host does on the wire.
///
/// See [`Step`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A transaction of the device at address 0.
    Transaction {
        /// With this endpoint.
        endpoint: u8,
        /// What it begins with.
        token: Token,
    },
    /// A frame with this number begins.
    StartOfFrame(u16),
    /// The isochronous endpoint is sent these bytes.
    IsochronousOut(Vec<u8>),
    /// The isochronous endpoint is asked for a packet. Whether there is one, nobody says.
    IsochronousIn,
}

impl Act {
    /// Takes a packet.
    pub const fn takes(endpoint: u8) -> Self {
        Self::Transaction { endpoint, token: Token::In }
    }

    /// Sends a packet, with DATA1 or DATA0.
    pub const fn sends(endpoint: u8, data1: bool, packet: Packet) -> Self {
        Self::Transaction { endpoint, token: Token::Out { data1, packet } }
    }

    /// Does it. `false`: the device was not ready for it, and nothing was done.
    ///
    /// # Panics
    ///
    /// If the device refuses it, or does not answer.
    pub(super) fn carry_out(&self, soc: &mut Soc) -> bool {
        match self {
            &Self::Transaction { endpoint, ref token } => {
                let answer = soc.transaction(0, endpoint, *token);
                let is_refused = matches!(answer, Answer::Stall | Answer::Silence);
                assert!(!is_refused, "the host has begun {token:?} with endpoint {endpoint}, and was given {answer:?}");
                answer != Answer::Nak
            }
            &Self::StartOfFrame(frame) => {
                soc.start_of_frame(frame);
                true
            }
            Self::IsochronousOut(bytes) => {
                soc.iso_out(0, bytes, true);
                true
            }
            Self::IsochronousIn => {
                let _ = soc.iso_in(0);
                true
            }
        }
    }
}

/// What the device thread does at once: the driver's reads see all of it, or nothing.
///
/// What the host does about a packet that it sends to endpoint 1, and the transfer that fetches it:
///
/// ```
/// # use sim_core::device::usbd::Packet;
/// # use sim_core::explore::model::host::{Act, Step};
/// let steps = [
///     Step::host([Act::takes(0), Act::sends(1, false, Packet::new(&[1, 2, 3]))]),
///     Step::transfer([]),
/// ];
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The next transfer that the driver starts, up to its end.
    pub transfer: bool,
    /// What the host does, behind it.
    pub acts: Vec<Act>,
}

impl Step {
    /// A transfer, and then these.
    pub fn transfer(acts: impl Into<Vec<Act>>) -> Self {
        Self { transfer: true, acts: acts.into() }
    }

    /// The host's only.
    pub fn host(acts: impl Into<Vec<Act>>) -> Self {
        Self { transfer: false, acts: acts.into() }
    }

    /// How many actions of the device thread it is.
    pub(super) fn actions(&self) -> u64 {
        u64::from(self.transfer) + self.acts.len() as u64
    }
}
