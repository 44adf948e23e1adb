//! The host: what it does, and what it got.
//!
//! It goes on when a device answers nothing, NAK for ever, or STALL. After its list it resets the bus and configures
//! the device once more, and then a packet must go each way, bulk and isochronous; unless the firmware has lost its
//! engine for good.

use std::rc::Rc;

use dma_api::usb::Setup;
use sim_core::host::{Fault, Host, HostError};

use crate::usbd::firmware::clear_halt;
use crate::usbd::operations::{HostOperation, Noise, Pipe, Way};
use crate::usbd::record::{Due, Record};
use crate::usbd::twin::Twin;

/// In how many frames an isochronous packet is sent, until one is answered: the wire may lose one or two.
const MOST_FRAMES: u32 = 4;

/// The bit times of a frame.
const FRAME: u64 = 12_000;

/// The host of a run.
pub struct Driver {
    host: Host,
    record: Rc<Record>,
    noise: Noise,
    twin: Option<Twin>,
    /// SET_CONFIGURATION was granted since the last reset, and nothing has failed since that leaves toggles unknown.
    is_configured: bool,
    /// What happens to the next bulk packet.
    fault: Option<Fault>,
    /// The next isochronous packet is corrupted.
    corrupts: bool,
    /// The frame that has begun last, if that is known: when a transaction takes its time, several may.
    frame: Option<u16>,
    /// The isochronous packet that the host gets if it asks in this frame, if that is known.
    due: Option<Due>,
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
    /// The host at the other end of a cable on which there is this noise, of a twin or not.
    pub fn new(host: Host, record: Rc<Record>, noise: Noise, twin: Option<Twin>) -> Self {
        Self { host, record, noise, twin, is_configured: false, fault: None, corrupts: false, frame: None, due: None }
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
        let works = self.exchange().await;
        if !self.record.engine_is_gone.get() {
            works?;
        }
        for pipe in [Pipe::Bulk, Pipe::Isochronous] {
            let outcome = self.record.packets(pipe, Way::In).borrow().check(true);
            outcome.map_err(|what| HostError::Unexpected(format!("{pipe:?}, to the host: {what}")))?;
        }
        Ok(())
    }

    /// A packet each way, on each pipe.
    async fn exchange(&mut self) -> Result<(), HostError> {
        self.perform(HostOperation::Reset).await?;
        self.host.control_out(Setup::set_configuration(1), &[]).await?;
        self.is_configured = true;
        self.send(8).await?;
        self.take().await?;
        self.record.host_streams.set(true);
        for _ in 0..MOST_FRAMES {
            self.stream(8).await?;
            self.host.settle().await?;
            self.begin_frame().await?;
            // The firmware receives it, and fills in its answer, which the host gets in the next.
            self.host.settle().await?;
            self.begin_frame().await?;
            if self.take_streamed().await? {
                return Ok(());
            }
        }
        Err(HostError::Unexpected(format!("no isochronous packet was answered in {MOST_FRAMES} frames")))
    }

    async fn perform(&mut self, operation: HostOperation) -> Result<(), HostError> {
        match operation {
            HostOperation::IsochronousOut(length) if self.is_configured => return self.stream(length).await,
            HostOperation::IsochronousIn if self.is_configured => return self.take_streamed().await.map(drop),
            HostOperation::Frame => return self.begin_frame().await,
            HostOperation::Corrupt => {
                self.corrupts = true;
                return Ok(());
            }
            _ => {}
        }
        let before = self.host.clock().frame();
        self.perform_bulk(operation).await?;
        if self.host.clock().frame() != before {
            (self.frame, self.due) = (None, None);
        }
        Ok(())
    }

    /// What is neither isochronous nor a frame.
    async fn perform_bulk(&mut self, operation: HostOperation) -> Result<(), HostError> {
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
            // It is not configured.
            _ => Ok(()),
        }
    }

    fn lose_what_is_due(&mut self) {
        if let Some(fault) = self.fault.take() {
            self.host.with_fault(fault);
        }
    }

    async fn send(&mut self, length: u8) -> Result<(), HostError> {
        let mut bytes = vec![0; length.into()];
        let number = self.record.packets(Pipe::Bulk, Way::Out).borrow_mut().make(0, &mut bytes);
        self.lose_what_is_due();
        let outcome = self.host.bulk_out(1, &bytes).await;
        if outcome.is_err() {
            self.record.packets(Pipe::Bulk, Way::Out).borrow_mut().may_be_lost(number);
        }
        outcome
    }

    async fn take(&mut self) -> Result<(), HostError> {
        self.lose_what_is_due();
        let bytes = self.host.bulk_in(1, 64).await?;
        let came = self.record.packets(Pipe::Bulk, Way::In).borrow_mut().came_to_host(&bytes);
        came.map(drop).map_err(HostError::Unexpected)
    }

    /// Sends an isochronous packet. Whether it arrives, nobody says.
    async fn stream(&mut self, length: u8) -> Result<(), HostError> {
        let bytes = self.next_streamed(length);
        self.corrupt_what_is_due();
        let before = self.host.clock().frame();
        self.host.isochronous_out(&bytes).await?;
        let clock = self.host.clock();
        // A packet that fills its frame to the end is followed by no SOF yet.
        if clock.frame() != before && !clock.bit_times().is_multiple_of(FRAME) {
            self.has_begun_frame();
        }
        Ok(())
    }

    fn next_streamed(&self, length: u8) -> Vec<u8> {
        let mut bytes = vec![0; length.into()];
        let mut from_host = self.record.packets(Pipe::Isochronous, Way::Out).borrow_mut();
        let number = from_host.make(0, &mut bytes);
        from_host.may_be_lost(number);
        if self.corrupts {
            from_host.is_corrupted(number);
        }
        bytes
    }

    /// Asks for a frame's isochronous packet. Returns whether one came.
    async fn take_streamed(&mut self) -> Result<bool, HostError> {
        let is_clean = self.noise == Noise::Clean && !self.corrupts;
        self.corrupt_what_is_due();
        if is_clean && self.twin == Some(Twin::WireLosesStream) {
            self.host.with_fault(Fault::LostToken);
        }
        let before = self.host.clock().frame();
        let packet = self.host.isochronous_in().await?;
        if self.host.clock().frame() != before {
            self.has_begun_frame();
        }
        let due = self.due.take().filter(|due| self.record.is_due(due));
        let Some(bytes) = packet else {
            return match due.filter(|_| is_clean) {
                Some(due) => Err(HostError::Unexpected(format!("isochronous packet {} was due", due.number))),
                None => Ok(false),
            };
        };
        let number = self.record.packets(Pipe::Isochronous, Way::In).borrow_mut().came_to_host(&bytes);
        let number = number.map_err(HostError::Unexpected)?;
        match due.filter(|due| due.number != number) {
            Some(due) => Err(HostError::Unexpected(format!("isochronous packet {number} came for {}", due.number))),
            None => Ok(true),
        }
    }

    fn corrupt_what_is_due(&mut self) {
        if std::mem::take(&mut self.corrupts) {
            self.record.corrupt();
            self.host.with_fault(Fault::CorruptedPacket);
        }
    }

    async fn begin_frame(&mut self) -> Result<(), HostError> {
        self.host.wait_frames(1).await?;
        self.has_begun_frame();
        Ok(())
    }

    /// One frame has begun: what was filled in in the one before is due.
    fn has_begun_frame(&mut self) {
        let frame = self.host.clock().frame();
        let before = self.frame.replace(frame);
        self.due = before.and_then(|before| self.record.filled_in(before, frame));
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
