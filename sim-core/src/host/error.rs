//! Why the host gave up.

use thiserror::Error;

use super::descriptors::DescriptorError;
use super::serial::Port;

/// Why the host gave up.
///
/// See [`Host`](super::Host) for an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The device refused the request, or the endpoint is halted.
    #[error("endpoint {endpoint} answered {token} with STALL")]
    Stalled {
        /// The endpoint.
        endpoint: u8,
        /// What it was sent.
        token: &'static str,
    },
    /// The device is not there, or not at this address, or has no such endpoint.
    #[error("no answer to {token} at address {address}, endpoint {endpoint}: {tries} tries")]
    NoAnswer {
        /// What was sent.
        token: &'static str,
        /// To whom.
        address: u8,
        /// To which endpoint.
        endpoint: u8,
        /// How often.
        tries: u32,
    },
    /// The device sent an older packet again, or skipped one. A real host drops it and loses its bytes.
    #[error("endpoint {endpoint} sent DATA{got} where DATA{expected} was due")]
    Toggle {
        /// The endpoint.
        endpoint: u8,
        /// The toggle that was due.
        expected: u8,
        /// The toggle that came.
        got: u8,
    },
    /// The device sent more than it was asked for.
    #[error("endpoint {endpoint} sent {got} bytes where {asked} were asked for")]
    TooLong {
        /// The endpoint.
        endpoint: u8,
        /// wLength, or how many bytes the transfer takes.
        asked: usize,
        /// What came.
        got: usize,
    },
    /// The device sent a packet that is longer than the endpoint's descriptor says: a real host shuts the port.
    #[error("endpoint {endpoint} sent a packet of {got} bytes: wMaxPacketSize is {most}")]
    Babble {
        /// The endpoint.
        endpoint: u8,
        /// How many bytes its packets have at most.
        most: usize,
        /// How many this one has.
        got: usize,
    },
    /// The device answered NAK for longer than the host waits.
    #[error("{token} at address {address}, endpoint {endpoint}, was answered with NAK for {milliseconds} ms: {sides}")]
    Timeout {
        /// What was sent, again and again.
        token: &'static str,
        /// To whom.
        address: u8,
        /// To which endpoint.
        endpoint: u8,
        /// How long the host has waited.
        milliseconds: u64,
        /// Where device and host are.
        sides: String,
    },
    /// No device came.
    #[error("no device has connected for {milliseconds} ms: is USBPULLUP written after READY? {sides}")]
    NoDevice {
        /// How long the host has waited.
        milliseconds: u64,
        /// Where device and host are.
        sides: String,
    },
    /// The device did not ask for a resume.
    #[error("no remote wake-up for {milliseconds} ms: {sides}")]
    NoWakeUp {
        /// How long the host has waited.
        milliseconds: u64,
        /// Where device and host are.
        sides: String,
    },
    /// No frame came over a serial line, or none could be sent, because the receiver was off or full.
    #[error("{port:?}: the peer {does} for {milliseconds} ms, in vain: {sides}")]
    NoFrame {
        /// Whose line.
        port: Port,
        /// What the peer has done all the time.
        does: &'static str,
        /// How long.
        milliseconds: u64,
        /// Where the chip is.
        sides: String,
    },
    /// The transaction was not sent: the script or the scheduler wanted it so. What comes next is the script's choice.
    #[error("the transfer was abandoned before {token}")]
    Abandoned {
        /// What was not sent.
        token: &'static str,
    },
    /// The script addresses an endpoint that cannot be, or uses one for what it is not.
    #[error("the script addresses endpoint {endpoint} {purpose}: {reason}")]
    Endpoint {
        /// The endpoint.
        endpoint: u8,
        /// What for.
        purpose: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The script uses a bus that is suspended.
    #[error("the script sends {token} on a bus that is suspended: resume it first")]
    Suspended {
        /// What it sends.
        token: &'static str,
    },
    /// The script declares one length of the data stage and has another.
    #[error("wLength is {declared}, and the script's data stage has {length} bytes")]
    Length {
        /// wLength.
        declared: usize,
        /// What the script has.
        length: usize,
    },
    /// The device sent a descriptor that makes no sense.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The device did not do what this script is about.
    #[error("{0}")]
    Unexpected(String),
}

impl HostError {
    /// Whether the host has waited in vain: nobody went on.
    pub fn is_timeout(&self) -> bool {
        let in_vain = matches!(self, Self::NoDevice { .. } | Self::NoWakeUp { .. } | Self::NoFrame { .. });
        in_vain || matches!(self, Self::Timeout { .. })
    }
}
