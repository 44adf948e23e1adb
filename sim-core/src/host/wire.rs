//! What the host and whatever carries its steps to the device agree on.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::fault::Fault;
use super::serial::{Port, Serial};
use super::{HostError, PATIENCE_MS};
use crate::device::usbd::{Answer, Token};

/// One step of the host.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Wait for a device, then reset the bus.
    Reset,
    /// A frame begins: SOF with its number, below 2048.
    StartOfFrame(u16),
    /// The bus is idle from now on.
    Suspend,
    /// The bus is driven to K, and is in use again.
    Resume,
    /// The cable is pulled.
    Disconnect,
    /// The cable is plugged in.
    Connect,
    /// Wait for the device to drive K, then drive it too: a remote wake-up.
    WakeUp,
    /// Wait until nobody else can go on.
    Settle,
    /// A token, and what the device answers.
    Transaction(Transaction),
    /// A token to the isochronous endpoint, and a packet in one direction or the other.
    Isochronous(Isochronous),
    /// What the peer of a serial line does.
    Serial {
        /// Whose line.
        port: Port,
        /// What.
        does: Serial,
    },
}

/// A token, to whom, and what happens to it on the way.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// The device's address.
    pub address: u8,
    /// The endpoint.
    pub endpoint: u8,
    /// The token, with what follows it.
    pub token: Token,
    /// It was answered with NAK before: it is sent when the answer would be another.
    pub retry: bool,
    /// What the script has happen to it. If nothing, the explorer may choose.
    pub fault: Option<Fault>,
    /// How long the host retries, in milliseconds of virtual time.
    pub patience_ms: u32,
}

impl Transaction {
    /// A token to an endpoint of the device at `address`, that nothing happens to.
    pub fn new(address: u8, endpoint: u8, token: Token) -> Self {
        Self { address, endpoint, token, retry: false, fault: None, patience_ms: PATIENCE_MS }
    }
}

/// An isochronous transaction: no handshake, no retry.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Isochronous {
    /// The device's address.
    pub address: u8,
    /// What the host sends; `None` asks the device for a packet.
    pub sends: Option<Rc<[u8]>>,
    /// What the script has happen to it. If nothing, the explorer may choose.
    pub fault: Option<Fault>,
}

/// What comes of a step.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It was taken.
    Done,
    /// The device's answer to [`Step::Transaction`], as the host saw it.
    Answer(Answer),
    /// The device's packet, for [`Step::Isochronous`]: `None` if none came, or one with a bad CRC.
    Packet(Option<Box<[u8]>>),
    /// The frame that has come, for [`Serial::Receive`].
    Frame(u16),
}

/// What carries the host's steps to the device: an explorer.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
pub trait Wire {
    /// Takes `step`, when it is the host's turn.
    ///
    /// # Errors
    ///
    /// [`HostError::Timeout`], [`HostError::NoDevice`], [`HostError::NoWakeUp`] and [`HostError::NoFrame`], when the
    /// host has waited for as long as it waits.
    /// [`HostError::Abandoned`], where the explorer chooses so.
    fn poll_step(&self, step: &Step, context: &mut Context<'_>) -> Poll<Result<Reply, HostError>>;
}

/// What a host does, from start to end.
///
/// See [`Host`](super::Host), whose calls become these, for an example.
pub type Script = Pin<Box<dyn Future<Output = Result<(), HostError>>>>;
