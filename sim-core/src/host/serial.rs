//! The peer at the other end of a serial line, for a chip that has USARTs.
//!
//! ```
//! # use sim_core::host::{Host, HostError};
//! # use sim_core::host::serial::Port;
//! async fn echo(mut host: Host) -> Result<(), HostError> {
//!     let mut peer = host.serial(Port::Usart1);
//!     peer.send(b"ping").await?;
//!     assert_eq!(peer.receive(4).await?, b"ping");
//!     Ok(())
//! }
//! ```
//!
//! A frame is one step. What the chip sends is kept for the peer until it looks: nothing that the chip does waits for
//! that. What the peer sends waits until the receiver has room, unless the script says otherwise: on a chip the line is
//! slow, and a receiver that is served in time always has room. [`Peer::send_at_once`] is the other case.
//!
//! *Modelled*: frames of 8 or 9 bits, parity and framing errors, noise, overrun, idle lines. *Not modelled*: baud rates
//! and bits. Both directions are independent of each other.

use super::{Host, HostError, Reply, Step};
use crate::device::stm32f103::usart::FrameError;

/// Which USART's line.
///
/// See the [module](self) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// USART1.
    Usart1,
    /// USART2.
    Usart2,
    /// USART3.
    Usart3,
}

impl Port {
    /// The USART's index, from 0.
    pub fn index(self) -> usize {
        match self {
            Self::Usart1 => 0,
            Self::Usart2 => 1,
            Self::Usart3 => 2,
        }
    }
}

/// What the peer does in one step.
///
/// See the [module](self) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Serial {
    /// It sends a frame.
    Send {
        /// The frame.
        frame: u16,
        /// What is wrong with it.
        error: Option<FrameError>,
        /// It waits until the receiver has room.
        waits: bool,
    },
    /// It leaves the line idle for a frame.
    Idle,
    /// It waits for a frame, and takes it.
    Receive,
}

impl Serial {
    /// The error of a peer that has waited for as long as it waits.
    pub(crate) fn in_vain(self, port: Port, milliseconds: u64, sides: String) -> HostError {
        let does = if self == Self::Receive { "has waited for a frame" } else { "has waited to send a frame" };
        HostError::NoFrame { port, does, milliseconds, sides }
    }
}

/// The peer of one USART.
///
/// See the [module](self) for an example.
#[derive(Debug)]
pub struct Peer<'a> {
    host: &'a mut Host,
    port: Port,
}

impl Host {
    /// The peer at the other end of this USART's line.
    pub fn serial(&mut self, port: Port) -> Peer<'_> {
        Peer { host: self, port }
    }
}

impl Peer<'_> {
    /// Sends bytes, each when the receiver has room.
    ///
    /// # Errors
    ///
    /// [`HostError::NoFrame`] if it never has.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        for &byte in bytes {
            self.send_frame(byte.into()).await?;
        }
        Ok(())
    }

    /// Sends a frame of 9 bits, or fewer, when the receiver has room.
    ///
    /// # Errors
    ///
    /// [`HostError::NoFrame`] if it never has.
    pub async fn send_frame(&mut self, frame: u16) -> Result<(), HostError> {
        self.step(Serial::Send { frame, error: None, waits: true }).await.map(drop)
    }

    /// Sends a frame, whether the receiver has room or not: an overrun, or lost, if not.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub async fn send_at_once(&mut self, frame: u16) -> Result<(), HostError> {
        self.step(Serial::Send { frame, error: None, waits: false }).await.map(drop)
    }

    /// Sends a frame with something wrong with it, when the receiver has room.
    ///
    /// # Errors
    ///
    /// [`HostError::NoFrame`] if it never has.
    pub async fn send_with(&mut self, frame: u16, error: FrameError) -> Result<(), HostError> {
        self.step(Serial::Send { frame, error: Some(error), waits: true }).await.map(drop)
    }

    /// Leaves the line idle for a frame.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub async fn idle(&mut self) -> Result<(), HostError> {
        self.step(Serial::Idle).await.map(drop)
    }

    /// Receives a frame.
    ///
    /// # Errors
    ///
    /// [`HostError::NoFrame`] if none comes.
    pub async fn receive_frame(&mut self) -> Result<u16, HostError> {
        match self.step(Serial::Receive).await? {
            Reply::Frame(frame) => Ok(frame),
            other => Err(HostError::Unexpected(format!("the wire has {other:?} for a frame"))),
        }
    }

    /// Receives so many bytes.
    ///
    /// # Errors
    ///
    /// [`HostError::NoFrame`] if fewer come, [`HostError::Unexpected`] for a frame of 9 bits.
    pub async fn receive(&mut self, length: usize) -> Result<Vec<u8>, HostError> {
        let mut bytes = Vec::with_capacity(length);
        for _ in 0..length {
            let frame = self.receive_frame().await?;
            let byte = u8::try_from(frame);
            bytes.push(byte.map_err(|_| HostError::Unexpected(format!("{frame:#x} has 9 bits")))?);
        }
        Ok(bytes)
    }

    async fn step(&mut self, does: Serial) -> Result<Reply, HostError> {
        self.host.carry(&Step::Serial { port: self.port, does }).await
    }
}
