//! The other end of the line: what the peer does, and what it got.
//!
//! It does what is on its list. Then it sends a frame whenever the firmware waits for one, until the firmware is done,
//! and takes whatever is left on the line.

use std::rc::Rc;

use dma_api::stm32f103::usart::LineError;
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::host::serial::Port;
use sim_core::host::{Host, HostError};

use crate::serial::operations::PeerOperation;
use crate::serial::record::Record;
use crate::serial::twin::Twin;

/// How often in a row the peer waits in vain, with nothing to do, before it gives up.
const PATIENCE: usize = 5;

/// Which frame a wire loses that loses one.
const LOST: usize = 2;

/// The peer of a run.
pub struct Peer {
    host: Host,
    record: Rc<Record>,
    twin: Option<Twin>,
    /// The number of the next frame.
    next: u8,
    /// What came.
    got: Vec<u8>,
    /// How many frames the wire has had, from the chip.
    carried: usize,
}

impl Peer {
    /// The peer at the other end of USART1.
    pub fn new(host: Host, record: Rc<Record>, twin: Option<Twin>) -> Self {
        Self { host, record, twin, next: 0, got: Vec::new(), carried: 0 }
    }

    /// Does what is on the list, then what the firmware waits for.
    ///
    /// # Errors
    ///
    /// What it got is not what was sent.
    pub async fn run(mut self, operations: &[PeerOperation]) -> Result<(), HostError> {
        for &operation in operations {
            self.perform(operation).await?;
        }
        self.record.list_is_done.set(true);
        let mut in_vain = 0;
        while !self.record.firmware_is_done.get() && in_vain < PATIENCE {
            let does = if self.record.is_waiting.get() { self.send().await? } else { self.receive().await? };
            in_vain = if does { 0 } else { in_vain + 1 };
        }
        while self.receive().await? {}
        self.record.sending.borrow().check(&self.got).map_err(HostError::Unexpected)
    }

    /// `None` if the peer has waited in vain. Then the line is idle for a frame: a firmware that has done nothing but
    /// poll
    /// meanwhile sees that time has passed, and looks again at what it waits for.
    async fn unless_in_vain<T>(&mut self, outcome: Result<T, HostError>) -> Result<Option<T>, HostError> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(HostError::NoFrame { .. }) => {
                self.host.serial(Port::Usart1).idle().await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn perform(&mut self, operation: PeerOperation) -> Result<(), HostError> {
        match operation {
            PeerOperation::Send(frames) => {
                for _ in 0..frames {
                    self.send().await?;
                }
            }
            PeerOperation::SendAtOnce => {
                self.record.wrong.borrow_mut().push(LineError::Overrun);
                self.host.serial(Port::Usart1).send_at_once(self.next.into()).await?;
                self.next = self.next.wrapping_add(1);
            }
            PeerOperation::SendWrong(error) => {
                let sent = self.host.serial(Port::Usart1).send_with(self.next.into(), error).await;
                if self.unless_in_vain(sent).await?.is_some() {
                    self.next = self.next.wrapping_add(1);
                    self.record.wrong.borrow_mut().push(match error {
                        FrameError::Parity => LineError::Parity,
                        FrameError::Framing => LineError::Framing,
                        FrameError::Noise => LineError::Noise,
                    });
                }
            }
            PeerOperation::Idle => self.host.serial(Port::Usart1).idle().await?,
            PeerOperation::Receive(frames) => {
                for _ in 0..frames {
                    self.receive().await?;
                }
            }
        }
        Ok(())
    }

    /// Sends the next frame. Returns whether the receiver has had room for it.
    async fn send(&mut self) -> Result<bool, HostError> {
        if self.twin == Some(Twin::WireLosesFrame) && usize::from(self.next) == LOST {
            self.next += 1;
        }
        let sent = self.host.serial(Port::Usart1).send_frame(self.next.into()).await;
        let is_sent = self.unless_in_vain(sent).await?.is_some();
        self.next = self.next.wrapping_add(u8::from(is_sent));
        Ok(is_sent)
    }

    /// Takes a frame. Returns whether one has come.
    async fn receive(&mut self) -> Result<bool, HostError> {
        let frame = self.host.serial(Port::Usart1).receive_frame().await;
        let Some(frame) = self.unless_in_vain(frame).await? else {
            return Ok(false);
        };
        let byte = u8::try_from(frame).map_err(|_| HostError::Unexpected(format!("{frame:#x} has 9 bits")))?;
        self.carried += 1;
        if self.twin != Some(Twin::WireLosesAnswer) || self.carried != LOST {
            self.got.push(byte);
        }
        Ok(true)
    }
}
