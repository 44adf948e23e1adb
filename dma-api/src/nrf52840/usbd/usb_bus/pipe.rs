//! The control transfer that usb-device is in, and what it does on endpoint 0.
//!
//! | stage | usb-device | here |
//! |---|---|---|
//! | SETUP | `read` | permits the first packet of data from the host, or waits for the answer |
//! | data to the host | `write`, a packet each | the last permits the status stage |
//! | data from the host | `read`, a packet each | permits the next, or waits for the answer |
//! | status | `write` of nothing | permits it, and is complete at the next `poll` |
//! | any | `set_stalled` | refuses, once |
//!
//! usb-device answers as soon as it has read what it answers, or never. So an answer that is due at the next `poll`
//! does not come, and the request is refused in its place.

use usb_device::{Result, UsbError};

use super::device::Device;
use crate::fence::DmaFence;
use crate::nrf52840::usbd::{ControlEvent, Engine, map};
use crate::registers::Registers;
use crate::usb::{SET_ADDRESS, SET_CONFIGURATION, STANDARD_DEVICE_OUT, Setup};

/// How many frames a host leaves a packet of endpoint 0 alone before it is taken to have gone on to the status stage.
/// As nrf-usbd 0.3.0 does.
const FRAMES_BEFORE_STATUS: u16 = 5;

/// A frame's number has 11 bits.
const FRAME_NUMBERS: u16 = 1 << 11;

/// The control transfer that usb-device is in.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    /// A SETUP that was not read yet.
    pub setup: Option<Setup>,
    /// The SETUP that was read.
    current: Option<Setup>,
    /// What usb-device has read is for it to answer. It does so before the next `poll`, or never.
    pub owes: bool,
    /// Bytes of the data stage that are over the wire, or on their way.
    moved: usize,
    /// A packet of the data stage waits to be read.
    pub received: bool,
    /// What was written is over, and usb-device was not told.
    pub complete: bool,
    /// The frame in which a packet was written that the host has not fetched.
    written: Option<u16>,
    /// The request was refused.
    pub refused: bool,
}

impl Pipe {
    /// Whether something is left for the next `poll` that raises no event. (`complete` is not needed before the next
    /// SETUP.)
    pub fn waits_for_poll(&self) -> bool {
        self.owes || self.written.is_some()
    }
}

impl Device {
    /// Takes what has happened on endpoint 0. Returns whether it was a reset.
    pub fn control_event<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> bool {
        match self.endpoints.control.next_event(engine) {
            Some(ControlEvent::Reset) => return true,
            // usb-device is not told of the packets of the transfer before.
            Some(ControlEvent::Setup(setup)) => self.control = Pipe { setup: Some(setup), ..Pipe::default() },
            Some(ControlEvent::Sent) => (self.control.complete, self.control.written) = (true, None),
            Some(ControlEvent::Received(_)) => self.control.received = true,
            None => self.permit_early_status(engine),
        }
        false
    }

    pub fn write_control<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, bytes: &[u8]) -> Result<usize> {
        let setup = self.control.current.ok_or(UsbError::InvalidState)?;
        let length = usize::from(setup.length);
        self.control.owes = false;
        if setup.length == 0 || !setup.is_in() {
            return self.accept(engine, setup);
        }
        if self.control.moved >= length {
            // The host has all that it asked for, and goes on to the status stage.
            self.control.complete = true;
            return Ok(0);
        }
        let moved = self.control.moved + bytes.len();
        let last = bytes.len() < usize::from(self.control_packet_size) || moved >= length;
        self.endpoints.control.write(engine, bytes, last)?;
        self.control.moved = if last { length } else { moved };
        self.control.written = Some(engine.usbd().frame());
        Ok(bytes.len())
    }

    /// The status stage of a request that is granted.
    fn accept<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, setup: Setup) -> Result<usize> {
        match (setup.request_type, setup.request) {
            (STANDARD_DEVICE_OUT, SET_ADDRESS) => {}
            (STANDARD_DEVICE_OUT, SET_CONFIGURATION) => {
                self.restart_endpoints(engine);
                self.endpoints.control.accept(engine)?;
            }
            _ => self.endpoints.control.accept(engine)?,
        }
        self.control.complete = true;
        Ok(0)
    }

    pub fn read_control<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, bytes: &mut [u8]) -> Result<usize> {
        if let Some(setup) = self.control.setup {
            let room = bytes.get_mut(..8).ok_or(UsbError::BufferOverflow)?;
            room.copy_from_slice(&setup.to_bytes());
            let has_data = setup.length > 0 && !setup.is_in();
            self.control = Pipe { current: Some(setup), owes: !has_data, ..Pipe::default() };
            if has_data {
                self.endpoints.control.permit(engine)?;
            }
            return Ok(8);
        }
        if !core::mem::take(&mut self.control.received) {
            return Err(UsbError::WouldBlock);
        }
        let mut packet = [0; map::PACKET_SIZE];
        let length = self.endpoints.control.read(engine, &mut packet)?;
        let Some(room) = bytes.get_mut(..length) else {
            self.refuse(engine);
            return Err(UsbError::BufferOverflow);
        };
        room.copy_from_slice(&packet[..length]);
        self.control.moved += length;
        let expected = self.control.current.map_or(0, |setup| usize::from(setup.length));
        if self.control.moved < expected && length == usize::from(self.control_packet_size) {
            self.endpoints.control.permit(engine)?;
        } else {
            self.control.owes = true;
        }
        Ok(length)
    }

    /// Refuses the control transfer, once, and not the one that has come since.
    pub fn refuse<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        self.control.owes = false;
        if self.control.setup.is_none() && !core::mem::replace(&mut self.control.refused, true) {
            // Busy: a packet is on its way, after which nothing is due.
            let _ = self.endpoints.control.stall(engine);
        }
    }

    /// A host that has enough before the data stage is over goes on to the status stage, which is answered NAK while a
    /// packet is armed. No event says so; that it leaves the packet alone does.
    fn permit_early_status<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        if !self.endpoints.control.is_sending() {
            // The host was given it as the answer to another request, which is refused.
            self.control.written = None;
        }
        let Some(written) = self.control.written else {
            return;
        };
        let age = engine.usbd().frame().wrapping_sub(written) % FRAME_NUMBERS;
        if age >= FRAMES_BEFORE_STATUS {
            self.control.written = None;
            self.endpoints.control.permit_status(engine);
        }
    }
}
