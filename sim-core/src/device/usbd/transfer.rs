//! EasyDMA: from START to END.
//!
//! START captures PTR and MAXCNT into a [`Job`]. An engine moves the bytes between memory and the job's payload, at its
//! own pace, and then [`Usbd::complete`]s it.

use std::fmt;

use super::data::OutState;
use super::errata::Lossy;
use super::*;

/// No memory and no peripheral is here.
const NOWHERE: u32 = 0xFFFF_0000;

/// One DMA transfer, as captured at START.
///
/// See [`Soc`](crate::soc::Soc), whose engine does it, for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Counts the chip's transfers: tells this one from another with the same parameters.
    pub id: u32,
    /// The endpoint's number: 8 is the isochronous one.
    pub endpoint: usize,
    /// Which way the bytes move.
    pub direction: Direction,
    /// PTR.
    pub address: BusAddress,
    /// As long as MAXCNT says, but no longer than the endpoint's buffer. What an OUT transfer writes to memory; for an
    /// IN transfer, the engine fills a copy of it.
    pub payload: Payload,
    /// A SETUP has come since START: the packet belongs to no control transfer any more.
    stale: bool,
    corrupt: bool,
}

impl Job {
    pub(super) fn block_of(direction: Direction) -> &'static str {
        match direction {
            Direction::MemoryToDevice => "EPIN",
            Direction::DeviceToMemory => "EPOUT",
        }
    }

    /// The register block: `EPIN` or `EPOUT`.
    pub fn block(&self) -> &'static str {
        Self::block_of(self.direction)
    }

    /// The task that starts it.
    pub(super) fn start_of(number: usize, direction: Direction) -> String {
        match direction {
            Direction::MemoryToDevice if number == ISO => "TASKS_STARTISOIN".to_owned(),
            Direction::DeviceToMemory if number == ISO => "TASKS_STARTISOOUT".to_owned(),
            Direction::MemoryToDevice => format!("TASKS_STARTEPIN[{number}]"),
            Direction::DeviceToMemory => format!("TASKS_STARTEPOUT[{number}]"),
        }
    }

    /// The event that says that this transfer has ended.
    pub fn end(&self) -> String {
        name_of(self.end_event())
    }

    fn end_event(&self) -> u16 {
        let number = u16::from(self.endpoint.to_le_bytes()[0]);
        match self.direction {
            Direction::MemoryToDevice if self.endpoint == ISO => map::events_endisoin(),
            Direction::DeviceToMemory if self.endpoint == ISO => map::events_endisoout(),
            Direction::MemoryToDevice => map::events_endepin(number),
            Direction::DeviceToMemory => map::events_endepout(number),
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transfer of {}[{}]", self.block(), self.endpoint)
    }
}

impl Usbd {
    /// The transfer that runs, for an engine to do.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// TASKS_STARTEPIN\[number\] or TASKS_STARTEPOUT\[number\], by a write or by a shortcut; with number 8
    /// TASKS_STARTISOIN or TASKS_STARTISOOUT.
    pub(super) fn start(&mut self, number: usize, direction: Direction) {
        if self.report(rules::check_start_while_busy(self, number, direction)) {
            match self.options.second_start {
                SecondStart::Dropped => return,
                SecondStart::Replaces => self.job = None,
                SecondStart::Corrupts => {
                    if let Some(job) = self.job.as_mut().filter(|job| !job.corrupt) {
                        job.corrupt = true;
                        job.payload.corrupt();
                    }
                    return;
                }
            }
        }
        let lost = self.report(rules::check_dma_latch(self, number, direction));
        if lost && self.options.erratum_199 == Erratum199::StartLost || self.loses(Lossy::Start) {
            return;
        }
        self.report(rules::check_start_while_armed(self, number, direction));
        self.report(rules::check_start_without_packet(self, number, direction));
        if (number, direction) == (0, Direction::DeviceToMemory) {
            self.ep0.discarded = false;
        }
        let EasyDma { ptr, maxcnt, .. } = match direction {
            Direction::MemoryToDevice => self.epin[number],
            Direction::DeviceToMemory => self.epout[number],
        };
        self.report(rules::check_iso_buffers(self, number, direction));
        self.report(rules::check_alignment(self, number, direction));
        self.report(rules::check_length(self, number, maxcnt, direction));
        let length = (maxcnt as usize).min(self.capacity(number));
        let payload = self.payload(number, direction, length);
        self.jobs += 1;
        self.job = Some(Job {
            id: self.jobs,
            endpoint: number,
            direction,
            address: BusAddress::new(if std::mem::take(&mut self.astray) { NOWHERE } else { ptr }),
            payload,
            stale: false,
            corrupt: false,
        });
        // What was armed before is overwritten while the transfer runs: nothing is sent from it.
        if direction == Direction::MemoryToDevice {
            self.disarm(number);
        }
        self.epstatus |= data::status_bit(number, direction);
        self.signal(map::events_started());
    }

    /// The engine has moved the bytes of job `id`: `payload` is what it read, for an IN endpoint.
    ///
    /// A job that the chip has given up (replaced, power lost, reset) is nobody's: nothing happens.
    pub fn complete(&mut self, id: u32, payload: &Payload) {
        let Some(job) = self.job.take_if(|job| job.id == id) else {
            return;
        };
        let amount = u32::try_from(job.payload.length()).unwrap_or(u32::MAX);
        let number = job.endpoint;
        match job.direction {
            Direction::MemoryToDevice => self.epin[number].amount = amount,
            Direction::DeviceToMemory => {
                let counted = self.options.amount_of_out == AmountOfOut::Counted;
                self.epout[number].amount = if counted { amount } else { 0 };
            }
        }
        if self.options.odd_bytes == OddBytes::BreakNextTransfer {
            self.odd_bytes ^= amount % 2 == 1;
        }
        match job.direction {
            _ if job.stale => {}
            Direction::MemoryToDevice if job.corrupt => {
                let mut payload = payload.clone();
                payload.corrupt();
                self.arm(number, &payload);
            }
            Direction::MemoryToDevice => self.arm(number, payload),
            Direction::DeviceToMemory if number == 0 => self.ep0.received = false,
            // What the last frame has brought stays until the next one.
            Direction::DeviceToMemory if number == ISO => {}
            // The END arms by itself: no write to SIZE.EPOUT is needed (TinyUSB 64f41dea6).
            Direction::DeviceToMemory => self.data.get_mut(number).output.state = OutState::Armed,
        }
        self.signal(job.end_event());
    }

    /// The bytes of one local buffer.
    pub(super) fn capacity(&self, number: usize) -> usize {
        if number == ISO { self.iso_capacity() } else { PACKET_SIZE }
    }

    /// What a transfer of `length` bytes starts with: zeros, or what the OUT endpoint holds.
    fn payload(&self, number: usize, direction: Direction, length: usize) -> Payload {
        let buffer = match (direction, number) {
            (Direction::MemoryToDevice, ISO) => return Payload::Long(vec![0; length].into()),
            (Direction::DeviceToMemory, ISO) => return Payload::Long(self.iso_out_bytes(length)),
            (Direction::MemoryToDevice, _) => [0; PACKET_SIZE],
            (Direction::DeviceToMemory, 0) => self.ep0.out_buffer,
            (Direction::DeviceToMemory, _) => self.data.get(number).output.buffer,
        };
        Packet::with_length(buffer, length).into()
    }

    /// Whether IN endpoint `number` holds a packet that the host has not taken.
    pub(super) fn is_armed(&self, number: usize) -> bool {
        match number {
            0 => self.ep0.armed.is_some(),
            ISO => self.iso_is_armed(),
            _ => self.data.get(number).input.armed.is_some(),
        }
    }

    /// Whether OUT endpoint `number` holds a packet that no transfer has moved.
    pub(super) fn is_full(&self, number: usize) -> bool {
        match number {
            0 => self.ep0.received,
            ISO => self.iso_is_full(),
            _ => self.data.get(number).output.state == OutState::Full,
        }
    }

    fn arm(&mut self, number: usize, payload: &Payload) {
        match payload {
            Payload::Long(bytes) => self.arm_iso(Some(bytes.clone())),
            Payload::Short(packet) if number == 0 => self.ep0.armed = Some(*packet),
            Payload::Short(packet) => self.data.get_mut(number).input.armed = Some(*packet),
        }
    }

    /// Takes what IN endpoint `number` holds out of it.
    pub(super) fn disarm(&mut self, number: usize) {
        match number {
            0 => self.ep0.armed = None,
            ISO => self.arm_iso(None),
            _ => self.data.get_mut(number).input.armed = None,
        }
    }

    /// A SETUP discards what a running transfer of endpoint 0 carries.
    pub(super) fn make_job_stale(&mut self) {
        if let Some(job) = self.job.as_mut().filter(|job| job.endpoint == 0) {
            job.stale = true;
        }
    }
}
