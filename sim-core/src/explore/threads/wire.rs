//! The wire that the host speaks on: steps that block its thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use crate::device::usbd::Answer;
use crate::explore::interrupt::sleeper;
use crate::host::{HostError, PATIENCE_MS, Reply, Step, Transaction, Wire};
use crate::soc::Soc;

/// How long the host waits for a device before it gives up: real time here.
const DEVICE_PATIENCE: Duration = Duration::from_millis(PATIENCE_MS as u64);

/// How long the host gives the others to notice what it has done, at least and at most.
const SETTLING: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(PATIENCE_MS as u64)];

pub(super) struct ThreadsWire(Arc<Shared>);

impl ThreadsWire {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self(shared.clone())
    }

    fn transaction(&self, transaction: &Transaction) -> Result<Answer, HostError> {
        let &Transaction { address, endpoint, token, retry, patience_ms, .. } = transaction;
        if retry {
            let started = Instant::now();
            let deadline = started + Duration::from_millis(patience_ms.into());
            let waits = |soc: &Soc| soc.is_answered_nak(transaction);
            let is_hopeless = |soc: &Soc| self.0.firmware_is_done() && !soc.engine_is_busy() && !soc.is_copying();
            let soc = self.0.wait(Some(deadline), |soc| !waits(soc) || is_hopeless(soc));
            if soc.is_none_or(|soc| waits(&soc)) {
                let (milliseconds, sides) = (milliseconds_since(started), self.sides());
                return Err(HostError::Timeout { token: token.name(), address, endpoint, milliseconds, sides });
            }
        }
        Ok(self.0.with(|soc| soc.carry_out(transaction, transaction.fault)))
    }

    /// Waits for as long as a host waits for a device, or while the firmware runs.
    fn wait_for(
        &self,
        ready: impl Fn(&Soc) -> bool,
        error: impl Fn(u64, String) -> HostError,
    ) -> Result<(), HostError> {
        let started = Instant::now();
        let is_hopeless = |soc: &Soc| self.0.firmware_is_done() && !soc.is_moving_items();
        let soc = self.0.wait(Some(started + DEVICE_PATIENCE), |soc| ready(soc) || is_hopeless(soc));
        if soc.is_some_and(|soc| ready(&soc)) {
            return Ok(());
        }
        Err(error(milliseconds_since(started), self.sides()))
    }

    /// Where the others are.
    fn sides(&self) -> String {
        let soc = self.0.soc.lock();
        let firmware = if self.0.firmware_is_done() {
            "the firmware has returned".to_owned()
        } else if self.0.firmware_is_asleep.load(Ordering::Relaxed) {
            // ORDERING: none needed: written under the same lock.
            sleeper(&soc)
        } else {
            "the firmware runs".to_owned()
        };
        let engine = if soc.engine_is_busy() || soc.is_copying() { "copies" } else { "is idle" };
        format!("{firmware}; the engine {engine}")
    }
}

fn milliseconds_since(started: Instant) -> u64 {
    started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}

impl ThreadsWire {
    /// Waits until the firmware sleeps, has returned, or polls in vain, and the engine is idle.
    fn settle(&self) {
        let [least, most] = SETTLING;
        let started = Instant::now();
        // What the host has done last need not be a change that a register shows.
        self.0.tell(self.0.soc.lock());
        loop {
            thread::sleep(least);
            let soc = self.0.soc.lock();
            // ORDERING: none needed: written under the same lock.
            let sleeps = self.0.firmware_is_asleep.load(Ordering::Relaxed) && !soc.interrupt();
            let is_idle = !soc.is_rising() && !soc.is_moving_items() && !soc.engine_is_busy() && !soc.is_copying();
            if is_idle && (sleeps || self.0.waits() || self.0.firmware_is_done()) || started.elapsed() > most {
                return;
            }
        }
    }

    fn take_step(&self, step: &Step) -> Result<Reply, HostError> {
        match step {
            Step::Reset => {
                self.wait_for(Soc::is_connected, |milliseconds, sides| HostError::NoDevice { milliseconds, sides })?;
                self.0.with(Soc::bus_reset);
            }
            Step::WakeUp => {
                let error = |milliseconds, sides| HostError::NoWakeUp { milliseconds, sides };
                self.wait_for(Soc::is_driving_resume, error)?;
                self.0.with(Soc::resume);
            }
            Step::StartOfFrame(frame) => self.0.with(|soc| soc.start_of_frame(*frame)),
            Step::Suspend => self.0.with(Soc::suspend),
            Step::Resume => self.0.with(Soc::resume),
            Step::Disconnect => self.0.with(|soc| soc.plug(false)),
            Step::Connect => self.0.with(|soc| soc.plug(true)),
            Step::Settle => self.settle(),
            Step::Serial { port, does } => {
                let (port, does) = (*port, *does);
                let error = |milliseconds, sides| does.in_vain(port, milliseconds, sides);
                self.wait_for(|soc| soc.can_carry_out_serial(port, does), error)?;
                return Ok(self.0.with(|soc| soc.carry_out_serial(port, does)));
            }
            Step::Transaction(transaction) => return self.transaction(transaction).map(Reply::Answer),
            Step::Isochronous(isochronous) => {
                return Ok(Reply::Packet(self.0.with(|soc| soc.carry_out_isochronous(isochronous))));
            }
        }
        Ok(Reply::Done)
    }
}

impl Wire for ThreadsWire {
    fn poll_step(&self, step: &Step, _context: &mut Context<'_>) -> Poll<Result<Reply, HostError>> {
        let reply = self.take_step(step);
        self.0.note_step();
        Poll::Ready(reply)
    }
}
