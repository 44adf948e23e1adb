//! EasyDMA: from START to END.
//!
//! START captures PTR and MAXCNT into a [`Job`]. An engine moves the bytes between memory and the job's packet, at its
//! own pace, and then [`Usbd::complete`]s it.

use std::fmt;

use super::*;

/// One DMA transfer, as captured at START.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Counts the chip's transfers: tells this one from another with the same parameters.
    pub id: u32,
    /// The endpoint's number.
    pub endpoint: usize,
    /// Which way the bytes move.
    pub direction: Direction,
    /// PTR.
    pub address: BusAddress,
    /// As long as MAXCNT says, 64 bytes at most. What an OUT transfer writes to memory; for an IN transfer, the engine
    /// fills a copy of it.
    pub packet: Packet,
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

    /// The event that says that this transfer has ended.
    pub fn end(&self) -> String {
        format!("EVENTS_END{}[{}]", self.block(), self.endpoint)
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

    /// TASKS_STARTEPIN\[number\] or TASKS_STARTEPOUT\[number\], by a write or by a shortcut.
    pub(super) fn start(&mut self, number: usize, direction: Direction) {
        if self.report(rules::check_start_while_busy(self, number, direction)) {
            match self.options.second_start {
                SecondStart::Dropped => return,
                SecondStart::Replaces => self.job = None,
                SecondStart::Corrupts => {
                    if let Some(job) = self.job.as_mut().filter(|job| !job.corrupt) {
                        job.corrupt = true;
                        job.packet = job.packet.corrupted();
                    }
                    return;
                }
            }
        }
        self.report(rules::check_start_while_armed(self, number, direction));
        self.report(rules::check_start_without_packet(self, number, direction));
        let (EasyDma { ptr, maxcnt, .. }, shift) = match direction {
            Direction::MemoryToDevice => (self.epin[number], 0),
            Direction::DeviceToMemory => (self.epout[number], 16),
        };
        self.report(rules::check_length(number, maxcnt, direction));
        let length = (maxcnt as usize).min(PACKET_SIZE);
        let packet = Packet::with_length(self.ep0.out_buffer, length);
        self.jobs += 1;
        self.job = Some(Job {
            id: self.jobs,
            endpoint: number,
            direction,
            address: BusAddress::new(ptr),
            packet,
            stale: false,
            corrupt: false,
        });
        // What was armed before is overwritten while the transfer runs: nothing is sent from it.
        if direction == Direction::MemoryToDevice {
            self.ep0.armed = None;
        }
        self.epstatus |= 1 << (number + shift);
        self.signal(map::events_started());
    }

    /// The engine has moved the bytes of job `id`: `packet` is what it read, for an IN endpoint.
    ///
    /// A job that the chip has given up (replaced, power lost, reset) is nobody's: nothing happens.
    pub fn complete(&mut self, id: u32, packet: &Packet) {
        let Some(job) = self.job.take_if(|job| job.id == id) else {
            return;
        };
        let amount = u32::from(job.packet.length());
        match job.direction {
            Direction::MemoryToDevice => {
                self.epin[job.endpoint].amount = amount;
                if !job.stale {
                    self.ep0.armed = Some(if job.corrupt { packet.corrupted() } else { *packet });
                }
                self.signal(map::events_endepin(0));
            }
            Direction::DeviceToMemory => {
                self.epout[job.endpoint].amount = amount;
                if !job.stale {
                    self.ep0.received = false;
                }
                self.signal(map::events_endepout(0));
            }
        }
    }

    /// A SETUP discards what a running transfer carries.
    pub(super) fn make_job_stale(&mut self) {
        if let Some(job) = &mut self.job {
            job.stale = true;
        }
    }
}
