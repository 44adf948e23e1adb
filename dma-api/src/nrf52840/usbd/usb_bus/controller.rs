//! The controller, awake or in low power: who reaches the endpoints, and when.
//!
//! | state | `read`, `write` | `set_stalled` | `poll` |
//! |---|---|---|---|
//! | *awake* | done | done | what has happened |
//! | *asleep*, from `suspend` on | `WouldBlock` | done when awake | -> *awake*, when the host has resumed or reset it |
//! | *waking*, from `wake_up` on | `WouldBlock` | done when awake | -> *awake* and `Resume`, at USBWUALLOWED |

use usb_device::bus::PollResult;
use usb_device::endpoint::EndpointAddress;
use usb_device::{Result, UsbDirection, UsbError};

use super::device::{Device, ISOCHRONOUS};
use crate::fence::DmaFence;
use crate::nrf52840::usbd::{Endpoints, Engine, IsoEnded, Refused, Suspended, Waking, map};
use crate::registers::{OutsideRegisters, Registers};

/// The events that interrupt, as bits of INTEN: all that `poll` looks at.
const EVENTS: u32 = map::event_bit(map::events_usbreset())
    | map::event_bit(map::events_ep0datadone())
    | map::event_bit(map::events_usbevent())
    | map::event_bit(map::events_ep0setup())
    | map::event_bit(map::events_epdata());

/// Those in low power: what ends it.
const EVENTS_ASLEEP: u32 = map::event_bit(map::events_usbreset()) | map::event_bit(map::events_usbevent());

/// What is behind the lock of a [`UsbBus`](super::UsbBus).
#[derive(Debug)]
pub(super) struct Controller<B> {
    pub device: Device,
    /// `None` within a change only.
    power: Option<Power<B>>,
    /// Memory for an isochronous packet, if there is any; not in use.
    isochronous: Option<&'static mut [u8]>,
    /// Starts of frame interrupt, too.
    listens_to_frames: bool,
}

#[derive(Debug)]
enum Power<B> {
    Awake(Engine<B>),
    Asleep(Suspended<B>),
    Waking(Waking<B>),
}

impl<B: Registers + OutsideRegisters + DmaFence> Controller<B> {
    pub fn new(engine: Engine<B>, endpoints: Endpoints, isochronous: Option<&'static mut [u8]>) -> Self {
        let device = Device::new(endpoints, isochronous.is_some());
        Self { device, power: Some(Power::Awake(engine)), isochronous, listens_to_frames: false }
    }

    /// Runs `f`, if the controller is awake.
    fn awake<T>(&mut self, f: impl FnOnce(&mut Device, &mut Engine<B>) -> T) -> Option<T> {
        let Some(Power::Awake(engine)) = &mut self.power else {
            return None;
        };
        let result = f(&mut self.device, engine);
        // What is left for the next `poll` has no event of its own: the next start of frame is one.
        let listens = self.device.waits_for_poll(engine);
        if listens != self.listens_to_frames {
            let sof = map::event_bit(map::events_sof());
            if listens {
                engine.usbd().listen(sof);
            } else {
                engine.usbd().unlisten(sof);
            }
            self.listens_to_frames = listens;
        }
        Some(result)
    }

    fn change(&mut self, f: impl FnOnce(Power<B>) -> Power<B>) {
        self.power = self.power.take().map(f);
    }

    pub fn enable(&mut self) {
        self.awake(|_, engine| {
            // What a bootloader has left would interrupt, and nobody here would clear it.
            engine.usbd().unlisten(u32::MAX);
            engine.usbd().write(map::events_ep0datadone(), 0);
            engine.usbd().listen(EVENTS);
            engine.usbd().connect();
        });
    }

    pub fn reset(&mut self) {
        self.awake(Device::reset);
    }

    pub fn suspend(&mut self) {
        if !self.device.suspended {
            return;
        }
        self.change(|power| match power {
            Power::Awake(engine) => engine.suspend().map_or_else(Power::Awake, |suspended| {
                // A packet that came before is told of when the controller is awake: until then it interrupts nobody.
                suspended.usbd().unlisten(u32::MAX);
                suspended.usbd().listen(EVENTS_ASLEEP);
                Power::Asleep(suspended)
            }),
            other => other,
        });
        self.listens_to_frames &= matches!(self.power, Some(Power::Awake(_)));
    }

    pub fn wake_up(&mut self) -> Result<()> {
        let mut is_asleep = false;
        self.change(|power| match power {
            Power::Asleep(suspended) => {
                is_asleep = true;
                Power::Waking(suspended.wake_up())
            }
            other => other,
        });
        if is_asleep { Ok(()) } else { Err(UsbError::InvalidState) }
    }

    pub fn poll(&mut self) -> PollResult {
        let (mut was_asleep, mut has_woken_host) = (false, false);
        self.change(|power| match power {
            Power::Asleep(suspended) if suspended.is_resumed() => {
                was_asleep = true;
                Power::Awake(suspended.resume())
            }
            Power::Waking(waking) => match waking.end() {
                Ok(engine) => {
                    (was_asleep, has_woken_host) = (true, true);
                    Power::Awake(engine)
                }
                Err(waking) => Power::Waking(waking),
            },
            other => other,
        });
        if was_asleep {
            self.awake(|device, engine| {
                engine.usbd().listen(EVENTS);
                device.catch_up(engine);
            });
        }
        if has_woken_host {
            // No RESUME follows one's own wake-up.
            self.awake(Device::forget_suspension);
            return PollResult::Resume;
        }
        self.awake(Device::poll).unwrap_or(PollResult::None)
    }

    pub fn write(&mut self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        match self.device.number(address, UsbDirection::In)? {
            ISOCHRONOUS => self.write_isochronous(bytes),
            number => {
                self.awake(|device, engine| device.write(engine, number, bytes)).unwrap_or(Err(UsbError::WouldBlock))
            }
        }
    }

    pub fn read(&mut self, address: EndpointAddress, bytes: &mut [u8]) -> Result<usize> {
        match self.device.number(address, UsbDirection::Out)? {
            ISOCHRONOUS => self.read_isochronous(bytes),
            number => {
                self.awake(|device, engine| device.read(engine, number, bytes)).unwrap_or(Err(UsbError::WouldBlock))
            }
        }
    }

    pub fn set_stalled(&mut self, address: EndpointAddress, stalled: bool) {
        if self.awake(|device, engine| device.set_stalled(engine, address, stalled)).is_none() {
            self.device.set_stalled_later(address, stalled);
        }
    }

    /// Engine and memory for an isochronous transfer, if it can be done now. They are to be put back.
    fn take_parts(&mut self) -> Result<(Engine<B>, &'static mut [u8])> {
        let buffer = self.isochronous.take().ok_or(UsbError::Unsupported)?;
        match self.power.take() {
            Some(Power::Awake(engine)) => Ok((engine, buffer)),
            other => {
                (self.power, self.isochronous) = (other, Some(buffer));
                Err(UsbError::WouldBlock)
            }
        }
    }

    fn put_back(&mut self, engine: Engine<B>, buffer: &'static mut [u8]) {
        (self.power, self.isochronous) = (Some(Power::Awake(engine)), Some(buffer));
    }

    fn write_isochronous(&mut self, bytes: &[u8]) -> Result<usize> {
        let (engine, buffer) = self.take_parts()?;
        let Some(room) = buffer.get_mut(..bytes.len()) else {
            self.put_back(engine, buffer);
            return Err(UsbError::BufferOverflow);
        };
        room.copy_from_slice(bytes);
        match self.device.endpoints.isoin.send(engine, buffer, bytes.len()) {
            Ok(transfer) => {
                // Late: it may go out a frame later, and is complete then.
                let IsoEnded { engine, buffer, .. } = transfer.wait();
                self.put_back(engine, buffer);
                self.device.isochronous_is_sent = true;
                Ok(bytes.len())
            }
            Err(Refused { kind, channel, buffer }) => {
                self.put_back(channel, buffer);
                Err(kind.into())
            }
        }
    }

    fn read_isochronous(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let (engine, buffer) = self.take_parts()?;
        if let Err(error) = self.device.begin_isochronous_read(&engine, bytes.len()) {
            self.put_back(engine, buffer);
            return error;
        }
        match self.device.endpoints.isoout.receive(engine, buffer) {
            Ok(transfer) => {
                let IsoEnded { engine, buffer, length } = transfer.wait();
                // Late: the bytes may be of another packet, which is told of next. And a frame that began before the
                // start has brought another packet than the one that `begin` has looked at.
                let outcome = length.map_err(|_| UsbError::WouldBlock).and_then(|length| {
                    bytes.get_mut(..length).ok_or(UsbError::BufferOverflow)?.copy_from_slice(&buffer[..length]);
                    Ok(length)
                });
                self.put_back(engine, buffer);
                outcome
            }
            Err(Refused { kind, channel, buffer }) => {
                self.put_back(channel, buffer);
                Err(kind.into())
            }
        }
    }
}
