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
//! a thread of its own. A NAK is retried, as a real host does, as soon as the device would answer otherwise. Silence is
//! answered with the same token again; after three in a row the host gives up (USB 2.0 10.2.6).
//!
//! | module | what |
//! |---|---|
//! | `bus` | reset, suspend, resume, the cable, frames |
//! | `control` | control transfers: SETUP, data stage, status stage, the standard requests |
//! | `transfer` | bulk and interrupt transfers |
//! | `isochronous` | isochronous packets, one a frame |
//! | [`serial`] | the peer of a serial line, for a chip that has USARTs |
//! | [`descriptors`] | what a device says it is, read strictly |
//! | [`enumerate`] | what Linux, Windows and macOS ask, in their orders |
//! | [`fault`] | lost, corrupted and repeated packets, by script or by scheduler |
//! | [`clock`] | virtual time: bit times and frames |
//!
//! # Time
//!
//! The host keeps it, in bit times ([`clock`]): a transaction costs its wire time, a reset 20 ms. A frame that is full
//! is followed by SOF and the next. A host that is answered NAK waits for as long as anybody else can go on, and that
//! costs nothing; when nobody can, all that is left is time. Frames begin, which a device may wait for: one after 1, 2,
//! 4, ... milliseconds each, to be quick, but numbered one after the other. After [`PATIENCE_MS`] the host gives up
//! with [`HostError::Timeout`]. So a timeout is a verdict about the device (it never answers), not about how slow it
//! is.
//!
//! *Modelled*: reset, suspend, resume, remote wake-up, the cable; control, bulk, interrupt and isochronous transfers in
//! packets, short and empty ones; toggles; NAK, STALL, silence, babble; faults on the wire; frames and their numbers.
//! *Not modelled*: low and high speed, hubs, split transactions, bit stuffing, power. *Unspecified; we chose*: a packet
//! that repeats the one before, toggle and bytes, is acknowledged and dropped; one that repeats the toggle only is an
//! error, since a real host would lose its bytes.

use std::future::poll_fn;
use std::rc::Rc;

use crate::device::usbd::{Answer, Token};

mod bus;
pub mod clock;
mod control;
pub mod descriptors;
pub mod enumerate;
mod error;
pub mod fault;
mod isochronous;
mod pipes;
pub mod requests;
pub mod serial;
mod transfer;
mod wire;

pub use clock::Clock;
pub use error::HostError;
pub use fault::{Fault, Faults};
pub use wire::{Isochronous, Reply, Script, Step, Transaction, Wire};

use pipes::Pipes;

/// How long a host waits for a device to answer, in milliseconds (Linux USB_CTRL_GET_TIMEOUT; USB 2.0 9.2.6.1: 5 s).
pub const PATIENCE_MS: u32 = 5000;

/// How often the host sends a token that is not answered (USB 2.0 10.2.6).
pub const TRIES: u32 = 3;

/// The host.
///
/// ```
/// # use dma_api::usb::Setup;
/// # use sim_core::device::usbd::{Answer, Token};
/// # use sim_core::host::{Host, HostError, Script};
/// /// A host that leaves a control read in its middle, and resets the bus.
/// fn impatient(mut host: Host) -> Script {
///     Box::pin(async move {
///         host.setup(Setup::get_device_descriptor(18)).await?;
///         if host.token(Token::In).await? == Answer::Stall {
///             return Err(HostError::Unexpected("it knows no descriptor".to_owned()));
///         }
///         host.reset().await
///     })
/// }
/// ```
/// With an explorer: `examples/host.rs`.
pub struct Host {
    wire: Rc<dyn Wire>,
    address: u8,
    clock: Clock,
    patience_ms: u32,
    suspended: bool,
    /// What happens to the next transaction.
    fault: Option<Fault>,
    /// How many transactions are left until one is not sent.
    left_until_abandoned: Option<u32>,
    pipes: Pipes,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("address", &self.address).field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Host {
    /// The host at the other end of `wire`.
    pub fn new(wire: Rc<dyn Wire>) -> Self {
        Self {
            wire,
            address: 0,
            clock: Clock::default(),
            patience_ms: PATIENCE_MS,
            suspended: false,
            fault: None,
            left_until_abandoned: None,
            pipes: Pipes::default(),
        }
    }

    /// The time that has passed.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Waits this long for an answer other than NAK from now on.
    pub fn set_patience_ms(&mut self, patience_ms: u32) {
        self.patience_ms = patience_ms;
    }

    /// Has `fault` happen to the next transaction.
    pub fn with_fault(&mut self, fault: Fault) -> &mut Self {
        self.fault = Some(fault);
        self
    }

    /// Lets `transactions` more go on; the next is not sent, and fails with [`HostError::Abandoned`], once.
    ///
    /// With it a script resets the bus in mid-transfer, sends a SETUP in mid-data, or leaves a stage out.
    pub fn abandon_after(&mut self, transactions: u32) -> &mut Self {
        self.left_until_abandoned = Some(transactions);
        self
    }

    /// Sends one token to endpoint 0, once. NAK is an answer like any other.
    ///
    /// # Errors
    ///
    /// [`HostError::Suspended`], [`HostError::Abandoned`].
    pub async fn token(&mut self, token: Token) -> Result<Answer, HostError> {
        self.transact(0, &token, false, self.patience_ms).await
    }

    /// Sends one token to an endpoint, once. NAK is an answer like any other; toggles are the caller's.
    ///
    /// # Errors
    ///
    /// [`HostError::Endpoint`], [`HostError::Suspended`], [`HostError::Abandoned`].
    pub async fn token_to(&mut self, endpoint: u8, token: Token) -> Result<Answer, HostError> {
        self.transact(endpoint, &token, false, self.patience_ms).await
    }

    /// Sends one token to endpoint 0 until the answer is not NAK.
    ///
    /// # Errors
    ///
    /// [`HostError::NoAnswer`], [`HostError::Stalled`], [`HostError::Timeout`].
    pub async fn insist(&mut self, token: Token) -> Result<Answer, HostError> {
        self.insist_at(0, token, None).await
    }

    /// Sends one token until the answer is not NAK; three times, when there is none. With an interval, in frames, each
    /// NAK is one poll of an interrupt endpoint, and the next comes in another frame.
    async fn insist_at(&mut self, endpoint: u8, token: Token, interval: Option<u64>) -> Result<Answer, HostError> {
        let (mut tries, mut retry) = (0, false);
        let mut wait = Wait { waited_ms: 0, next_ms: 1 };
        loop {
            let patience_ms = wait.next_ms.min(self.patience_ms - wait.waited_ms);
            match self.transact(endpoint, &token, retry, patience_ms).await {
                Ok(Answer::Nak) => (tries, retry) = (0, true),
                Ok(Answer::Silence) => (tries, retry) = (tries + 1, false),
                Ok(Answer::Stall) => return Err(HostError::Stalled { token: token.name(), endpoint }),
                Ok(answer) => return Ok(answer),
                Err(HostError::Timeout { token, address, endpoint, sides, .. }) => {
                    wait = Wait { waited_ms: wait.waited_ms + patience_ms, next_ms: 2 * patience_ms };
                    if wait.waited_ms == self.patience_ms {
                        let milliseconds = self.patience_ms.into();
                        self.clock.skip_ms(milliseconds);
                        return Err(HostError::Timeout { token, address, endpoint, milliseconds, sides });
                    }
                    if interval.is_none() {
                        self.begin_frame().await?;
                    }
                }
                Err(error) => return Err(error),
            }
            if tries == TRIES {
                return Err(HostError::NoAnswer { token: token.name(), address: self.address, endpoint, tries });
            }
            if let Some(interval) = interval {
                self.until_frame(self.clock.frames() + interval).await?;
            }
        }
    }

    /// One transaction, in a frame that has room for it. A retry waits for an answer other than NAK.
    async fn transact(
        &mut self,
        endpoint: u8,
        token: &Token,
        retry: bool,
        patience_ms: u32,
    ) -> Result<Answer, HostError> {
        self.may_send(endpoint, token.name())?;
        let most = self.pipes.most(endpoint, token);
        if !self.clock.fits(clock::longest(token, most)) {
            self.begin_frame().await?;
        }
        let (address, fault) = (self.address, self.fault.take());
        let transaction = Transaction { address, endpoint, token: *token, retry, fault, patience_ms };
        match self.carry(&Step::Transaction(transaction)).await? {
            Reply::Answer(answer) => {
                self.clock.spend(clock::cost(token, &answer));
                Ok(answer)
            }
            other => Err(HostError::Unexpected(format!("the wire has {other:?} for a token"))),
        }
    }

    fn may_send(&mut self, endpoint: u8, token: &'static str) -> Result<(), HostError> {
        pipes::check_number(endpoint, token)?;
        if self.suspended {
            return Err(HostError::Suspended { token });
        }
        if let Some(left) = &mut self.left_until_abandoned {
            let Some(fewer) = left.checked_sub(1) else {
                self.left_until_abandoned = None;
                return Err(HostError::Abandoned { token });
            };
            *left = fewer;
        }
        Ok(())
    }

    async fn carry(&mut self, step: &Step) -> Result<Reply, HostError> {
        poll_fn(|context| self.wire.poll_step(step, context)).await
    }
}

/// How long a host that is answered NAK has waited in vain, and how long it waits next, in milliseconds.
struct Wait {
    waited_ms: u32,
    next_ms: u32,
}

#[cfg(test)]
mod tests;
