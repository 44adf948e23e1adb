//! The virtual USB host: an `async` script that speaks in tokens and handshakes.
//!
//! ```
//! # use sim_core::host::{Host, HostError};
//! # use dma_api::usb::Setup;
//! async fn script(mut host: Host) -> Result<(), HostError> {
//!     host.reset().await?;
//!     let descriptor = host.control_in(Setup::get_device_descriptor(18)).await?;
//!     assert_eq!(descriptor.len(), 18);
//!     Ok(())
//! }
//! ```
//!
//! Each transaction is one step, taken when the explorer says so: between two register accesses of the driver, or on
//! a thread of its own. A NAK is retried, as a real host does, as soon as the device would answer otherwise.
//!
//! *Modelled*: reset, control transfers (SETUP, data stage in packets of 64 bytes, status stage), toggles, NAK, STALL,
//! silence. *Not modelled*: frames and time, lost and corrupted packets, other endpoints. *Unspecified; we chose*: a
//! device that does not answer is given up at once (a real host asks three times).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use dma_api::nrf52840::usbd::map::PACKET_SIZE;
use dma_api::usb::Setup;
use thiserror::Error;

use crate::device::usbd::{Answer, Packet, Token};

/// Why the host gave up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The device refused the request.
    #[error("the device answered {token} with STALL")]
    Stalled {
        /// What it was sent.
        token: &'static str,
    },
    /// The device is not there, or not at this address.
    #[error("no answer to {token} at address {address}")]
    NoAnswer {
        /// What was sent.
        token: &'static str,
        /// To whom.
        address: u8,
    },
    /// The device sent the packet of before again, or skipped one.
    #[error("DATA{got} where DATA{expected} was due")]
    Toggle {
        /// The toggle that was due.
        expected: u8,
        /// The toggle that came.
        got: u8,
    },
    /// The device sent more than it was asked for.
    #[error("{got} bytes came where {asked} were asked for")]
    TooLong {
        /// wLength.
        asked: usize,
        /// What came.
        got: usize,
    },
    /// The device answered NAK for longer than the host waits.
    #[error("the device has answered {token} with NAK for {milliseconds} ms")]
    Timeout {
        /// What it was sent.
        token: &'static str,
        /// How long the host has waited.
        milliseconds: u128,
    },
    /// No device came.
    #[error("no device has connected for {milliseconds} ms: is USBPULLUP written after READY?")]
    NoDevice {
        /// How long the host has waited.
        milliseconds: u128,
    },
    /// The device did not do what this script is about.
    #[error("{0}")]
    Unexpected(String),
}

/// One step of the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Wait for a device, then reset the bus.
    Reset,
    /// A token, and what the device answers.
    Transaction {
        /// The device's address.
        address: u8,
        /// The endpoint.
        endpoint: u8,
        /// The token.
        token: Token,
        /// It was answered with NAK before.
        retry: bool,
    },
}

/// What carries the host's steps to the device: an explorer.
pub trait Wire {
    /// Takes `step`, when it is the host's turn.
    fn poll_step(&self, step: &Step, context: &mut Context<'_>) -> Poll<Result<Answer, HostError>>;
}

/// What a host does, from start to end.
pub type Script = Pin<Box<dyn Future<Output = Result<(), HostError>>>>;

/// The host.
pub struct Host {
    wire: Rc<dyn Wire>,
    address: u8,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Host {
    /// The host at the other end of `wire`.
    pub fn new(wire: Rc<dyn Wire>) -> Self {
        Self { wire, address: 0 }
    }

    /// Waits for a device to pull D+ up, and resets the bus.
    ///
    /// # Errors
    ///
    /// [`HostError::NoDevice`], where the explorer keeps time.
    pub async fn reset(&mut self) -> Result<(), HostError> {
        self.address = 0;
        poll_fn(|context| self.wire.poll_step(&Step::Reset, context)).await.map(drop)
    }

    /// Sends one token to endpoint 0, once. NAK is an answer like any other.
    ///
    /// # Errors
    ///
    /// None of the explorers here: it is answered at once.
    pub async fn token(&mut self, token: Token) -> Result<Answer, HostError> {
        self.step(token, false).await
    }

    /// Sends one token to endpoint 0 until the answer is not NAK.
    ///
    /// # Errors
    ///
    /// [`HostError::NoAnswer`], [`HostError::Stalled`], [`HostError::Timeout`].
    pub async fn insist(&mut self, token: Token) -> Result<Answer, HostError> {
        let mut answer = self.step(token, false).await?;
        while answer == Answer::Nak {
            answer = self.step(token, true).await?;
        }
        match answer {
            Answer::Silence => Err(HostError::NoAnswer { token: token.name(), address: self.address }),
            Answer::Stall => Err(HostError::Stalled { token: token.name() }),
            answer => Ok(answer),
        }
    }

    async fn step(&mut self, token: Token, retry: bool) -> Result<Answer, HostError> {
        let step = Step::Transaction { address: self.address, endpoint: 0, token, retry };
        poll_fn(|context| self.wire.poll_step(&step, context)).await
    }

    /// SETUP: begins a control transfer.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist).
    pub async fn setup(&mut self, setup: Setup) -> Result<(), HostError> {
        self.insist(Token::Setup(setup.to_bytes())).await.map(drop)
    }

    /// IN: takes one packet, which must carry this toggle.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist), and [`HostError::Toggle`].
    pub async fn packet_in(&mut self, data1: bool) -> Result<Packet, HostError> {
        match self.insist(Token::In).await? {
            Answer::Data { data1: got, packet } if got == data1 => Ok(packet),
            Answer::Data { data1: got, .. } => Err(HostError::Toggle { expected: data1.into(), got: got.into() }),
            other => Err(HostError::Unexpected(format!("IN was answered with {other:?}"))),
        }
    }

    /// OUT: sends one packet.
    ///
    /// # Errors
    ///
    /// As [`insist`](Self::insist).
    pub async fn packet_out(&mut self, data1: bool, packet: Packet) -> Result<(), HostError> {
        self.insist(Token::Out { data1, packet }).await.map(drop)
    }

    /// A control transfer with an IN data stage, whole. Returns what the device sent.
    ///
    /// # Errors
    ///
    /// As [`packet_in`](Self::packet_in), and [`HostError::TooLong`].
    pub async fn control_in(&mut self, setup: Setup) -> Result<Vec<u8>, HostError> {
        let asked = usize::from(setup.length);
        self.setup(setup).await?;
        let mut bytes = Vec::new();
        let mut data1 = true;
        while bytes.len() < asked {
            let packet = self.packet_in(data1).await?;
            bytes.extend_from_slice(packet.bytes());
            data1 = !data1;
            if packet.bytes().len() < PACKET_SIZE {
                break;
            }
        }
        if bytes.len() > asked {
            return Err(HostError::TooLong { asked, got: bytes.len() });
        }
        self.packet_out(true, Packet::EMPTY).await?;
        Ok(bytes)
    }

    /// A control transfer with an OUT data stage, or without a data stage, whole.
    ///
    /// # Errors
    ///
    /// As [`packet_in`](Self::packet_in); [`HostError::Unexpected`] if the status stage carries data.
    ///
    /// # Panics
    ///
    /// If `data` is not as long as wLength says: that is an error of the script.
    pub async fn control_out(&mut self, setup: Setup, data: &[u8]) -> Result<(), HostError> {
        assert_eq!(data.len(), usize::from(setup.length), "wLength and the data stage differ");
        self.setup(setup).await?;
        let mut data1 = true;
        for chunk in data.chunks(PACKET_SIZE) {
            self.packet_out(data1, Packet::new(chunk)).await?;
            data1 = !data1;
        }
        let status = self.packet_in(true).await?;
        if !status.bytes().is_empty() {
            return Err(HostError::Unexpected(format!("{} bytes came in a status stage", status.bytes().len())));
        }
        Ok(())
    }

    /// SET_ADDRESS. The device answers at the new address from then on.
    ///
    /// # Errors
    ///
    /// As [`control_out`](Self::control_out).
    pub async fn set_address(&mut self, address: u8) -> Result<(), HostError> {
        self.control_out(Setup::set_address(address), &[]).await?;
        self.address = address;
        Ok(())
    }
}
