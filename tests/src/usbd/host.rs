//! The host: what it does, and what it got.
//!
//! It goes on when a device answers nothing, NAK for ever, or STALL. After its list it resets the bus and configures
//! the
//! device once more, and then a packet must go each way; unless the firmware has lost its engine for good.

use std::rc::Rc;

use dma_api::usb::Setup;
use sim_core::host::{Fault, Host, HostError};

use crate::usbd::firmware::{Record, clear_halt};
use crate::usbd::operations::{HostOperation, Way};

/// The host of a run.
pub struct Driver {
    host: Host,
    record: Rc<Record>,
    /// SET_CONFIGURATION was granted since the last reset, and nothing has failed since that leaves toggles unknown.
    is_configured: bool,
    /// What happens to the next bulk packet.
    fault: Option<Fault>,
}

/// Whether the device has done what it was asked for; if not, for a reason that a host lives with.
fn granted<T>(outcome: Result<T, HostError>) -> Result<Result<T, HostError>, HostError> {
    match outcome {
        Err(error @ (HostError::Timeout { .. } | HostError::NoAnswer { .. } | HostError::Stalled { .. })) => {
            Ok(Err(error))
        }
        other => other.map(Ok),
    }
}

impl Driver {
    /// The host at the other end of the cable.
    pub fn new(host: Host, record: Rc<Record>) -> Self {
        Self { host, record, is_configured: false, fault: None }
    }

    /// Does what is on the list, then what must work.
    ///
    /// # Errors
    ///
    /// What it got is not what was sent, or nothing works any more.
    pub async fn run(mut self, operations: &[HostOperation]) -> Result<(), HostError> {
        for &operation in operations {
            self.perform(operation).await?;
        }
        // Until the firmware has come to the end of its list, and serves.
        self.host.settle().await?;
        self.exchange().await?;
        self.record.to_host.borrow().check(true).map_err(HostError::Unexpected)
    }

    async fn exchange(&mut self) -> Result<(), HostError> {
        let works = match self.perform(HostOperation::Reset).await {
            Ok(()) => self.host.control_out(Setup::set_configuration(1), &[]).await,
            error => error,
        };
        let works = match works {
            Ok(()) => {
                self.is_configured = true;
                self.send(8).await
            }
            Err(error) => Err(error),
        };
        let works = match works {
            Ok(()) => self.take().await,
            Err(error) => Err(error),
        };
        if self.record.engine_is_gone.get() { Ok(()) } else { works }
    }

    async fn perform(&mut self, operation: HostOperation) -> Result<(), HostError> {
        match operation {
            HostOperation::Reset => {
                self.is_configured = false;
                self.host.reset().await
            }
            HostOperation::Configure => {
                let outcome = self.host.control_out(Setup::set_configuration(1), &[]).await;
                self.is_configured = granted(outcome)?.is_ok();
                Ok(())
            }
            HostOperation::Suspend => {
                self.host.suspend().await?;
                self.host.resume().await
            }
            HostOperation::Out(length) if self.is_configured => {
                let outcome = self.send(length).await;
                self.unhalt(granted(outcome)?, Way::Out).await
            }
            HostOperation::In if self.is_configured => {
                let outcome = self.take().await;
                self.unhalt(granted(outcome)?, Way::In).await
            }
            HostOperation::LoseHandshake => {
                self.fault = Some(Fault::LostHandshake);
                Ok(())
            }
            HostOperation::Out(_) | HostOperation::In => Ok(()),
        }
    }

    fn lose_what_is_due(&mut self) {
        if let Some(fault) = self.fault.take() {
            self.host.with_fault(fault);
        }
    }

    async fn send(&mut self, length: u8) -> Result<(), HostError> {
        let mut bytes = vec![0; length.into()];
        let number = self.record.from_host.borrow_mut().make(0, &mut bytes);
        self.lose_what_is_due();
        let outcome = self.host.bulk_out(1, &bytes).await;
        if outcome.is_err() {
            self.record.from_host.borrow_mut().may_be_lost(number);
        }
        outcome
    }

    async fn take(&mut self) -> Result<(), HostError> {
        self.lose_what_is_due();
        let bytes = self.host.bulk_in(1, 64).await?;
        self.record.to_host.borrow_mut().came_to_host(&bytes).map_err(HostError::Unexpected)
    }

    /// Ends a halt, if that is what has stood in the way.
    async fn unhalt(&mut self, outcome: Result<(), HostError>, way: Way) -> Result<(), HostError> {
        match outcome {
            Ok(()) | Err(HostError::Timeout { .. }) => Ok(()),
            Err(HostError::Stalled { .. }) => {
                let outcome = self.host.control_out(clear_halt(way), &[]).await;
                self.is_configured = granted(outcome)?.is_ok();
                Ok(())
            }
            Err(_) => {
                self.is_configured = false;
                Ok(())
            }
        }
    }
}
