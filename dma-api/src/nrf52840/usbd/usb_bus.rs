//! `usb_device::bus::UsbBus`: classes written for usb-device run on this driver.
//!
//! Behind feature `usb-device`. Packets go through the engine's bounce buffer, and each call waits for the END of its
//! own transfer, a few microseconds. So `read` and `write` are what usb-device expects: copies that are done when they
//! return.
//!
//! What usb-device's control pipe and this hardware see differently:
//!
//! | usb-device | hardware | here |
//! |---|---|---|
//! | reads SETUP from endpoint 0 | has it in registers | `read` gives the eight bytes |
//! | reads data without asking | one packet for each EP0RCVOUT | asked for with the SETUP, and after each packet but the last |
//! | writes the status stage as an empty packet | EP0STATUS, and no event when it is over | `accept`; complete at the next `poll` |
//! | waits for the status stage of a read | the shortcut permits it, no event | with the last packet of the data |
//! | sets the address | does it alone | nothing |
//! | ends data of whole packets with an empty one, asked for or not | wLength bytes are the end | left out if the host has all |
//!
//! *Not done*: low power in suspend (`suspend` and `resume` are told to the class, and the controller stays awake), remote
//! wake-up, isochronous endpoints (`Unsupported`).

use core::cell::RefCell;

use critical_section::Mutex;
use usb_device::bus::PollResult;
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

use super::{ControlError, ControlEvent, Endpoints, Engine, PacketBuffer, ReceiveError, SendError, Usbd, map};
use crate::fence::DmaFence;
use crate::registers::Registers;
use crate::usb::{SET_ADDRESS, STANDARD_DEVICE_OUT, Setup};

/// The controller as usb-device's bus.
///
/// Each call is a critical section: calls from an interrupt handler and from the main program do not meet.
#[derive(Debug)]
pub struct UsbBus<B>(Mutex<RefCell<Device<B>>>);

/// What is behind the lock.
#[derive(Debug)]
struct Device<B> {
    engine: Engine<B>,
    endpoints: Endpoints,
    /// Bits of the endpoints that were allocated, 1 to 7; 0 is the control endpoint.
    allocated_in: u8,
    allocated_out: u8,
    /// Halted endpoints: usb-device asks.
    stalled_in: u8,
    stalled_out: u8,
    control_packet_size: u16,
    control: Pipe,
}

/// The control transfer that usb-device is in.
#[derive(Debug, Default)]
struct Pipe {
    /// A SETUP that was not read yet.
    setup: Option<Setup>,
    /// The SETUP that was read.
    current: Option<Setup>,
    /// Bytes of the data stage that are over the wire, or on their way.
    moved: usize,
    /// A packet of the data stage waits to be read.
    received: bool,
    /// What was written is over, and no event says so.
    complete: bool,
}

impl<B: Registers + DmaFence + Send> UsbBus<B> {
    /// The bus of `usbd`, which is powered up; it is connected when usb-device enables it.
    pub fn new(usbd: Usbd<B>, buffer: &'static mut PacketBuffer) -> Self {
        let (engine, endpoints) = Engine::new(usbd, buffer);
        Self(Mutex::new(RefCell::new(Device {
            engine,
            endpoints,
            allocated_in: 0,
            allocated_out: 0,
            stalled_in: 0,
            stalled_out: 0,
            control_packet_size: 64,
            control: Pipe::default(),
        })))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Device<B>) -> T) -> T {
        critical_section::with(|section| f(&mut self.0.borrow_ref_mut(section)))
    }
}

impl<B: Registers + DmaFence + Send> usb_device::bus::UsbBus for UsbBus<B> {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        kind: EndpointType,
        max_packet_size: u16,
        _interval: u8,
    ) -> Result<EndpointAddress> {
        self.with(|device| device.allocate(direction, address, kind, max_packet_size))
    }

    fn enable(&mut self) {
        self.with(|device| device.engine.usbd().connect());
    }

    fn reset(&self) {
        self.with(Device::reset);
    }

    fn set_device_address(&self, _address: u8) {}

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        self.with(|device| device.write(address, bytes))
    }

    fn read(&self, address: EndpointAddress, bytes: &mut [u8]) -> Result<usize> {
        self.with(|device| device.read(address, bytes))
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        self.with(|device| device.set_stalled(address, stalled));
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        self.with(|device| device.stalled(address.direction()) & 1 << address.index() != 0)
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        self.with(Device::poll)
    }
}

impl<B: Registers + DmaFence> Device<B> {
    fn allocate(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        kind: EndpointType,
        max_packet_size: u16,
    ) -> Result<EndpointAddress> {
        match kind {
            EndpointType::Isochronous { .. } => return Err(UsbError::Unsupported),
            _ if usize::from(max_packet_size) > map::PACKET_SIZE => return Err(UsbError::EndpointMemoryOverflow),
            EndpointType::Control => {
                self.control_packet_size = max_packet_size;
                return Ok(EndpointAddress::from_parts(0, direction));
            }
            EndpointType::Bulk | EndpointType::Interrupt => {}
        }
        let allocated = match direction {
            UsbDirection::In => &mut self.allocated_in,
            UsbDirection::Out => &mut self.allocated_out,
        };
        let is_free = |number: &usize| *allocated & 1 << number == 0;
        let number = match address {
            Some(address) => Some(address.index()).filter(|number| (1..8).contains(number) && is_free(number)),
            None => (1..8).find(is_free),
        };
        let missing = if address.is_some() { UsbError::InvalidEndpoint } else { UsbError::EndpointOverflow };
        let number = number.ok_or(missing)?;
        *allocated |= 1 << number;
        Ok(EndpointAddress::from_parts(number, direction))
    }

    /// A bus reset: the endpoints that were allocated are open, and empty.
    fn reset(&mut self) {
        let Self { engine, endpoints, allocated_in, allocated_out, .. } = self;
        for epin in endpoints.epin.iter_mut().filter(|epin| *allocated_in & 1 << epin.number() != 0) {
            epin.open(engine);
        }
        for epout in endpoints.epout.iter_mut().filter(|epout| *allocated_out & 1 << epout.number() != 0) {
            epout.open(engine);
        }
        (self.stalled_in, self.stalled_out) = (0, 0);
        self.control = Pipe { setup: self.control.setup.take(), ..Pipe::default() };
    }

    fn write(&mut self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        if address.is_out() || address.index() > 7 {
            return Err(UsbError::InvalidEndpoint);
        }
        if address.index() == 0 {
            return self.write_control(bytes);
        }
        let epin = &mut self.endpoints.epin[address.index() - 1];
        // The packet before may be over: only then is there room.
        epin.is_sent(&self.engine);
        epin.write(&mut self.engine, bytes)?;
        Ok(bytes.len())
    }

    fn write_control(&mut self, bytes: &[u8]) -> Result<usize> {
        let setup = self.control.current.ok_or(UsbError::InvalidState)?;
        let length = usize::from(setup.length);
        if setup.length == 0 || !setup.is_in() {
            // The status stage.
            if (setup.request_type, setup.request) != (STANDARD_DEVICE_OUT, SET_ADDRESS) {
                self.endpoints.control.accept(&mut self.engine)?;
            }
            self.control.complete = true;
            return Ok(0);
        }
        if self.control.moved >= length {
            // The host has all that it asked for, and goes on to the status stage.
            self.control.complete = true;
            return Ok(0);
        }
        let moved = self.control.moved + bytes.len();
        let last = bytes.len() < usize::from(self.control_packet_size) || moved >= length;
        self.endpoints.control.write(&mut self.engine, bytes, last)?;
        self.control.moved = if last { length } else { moved };
        Ok(bytes.len())
    }

    fn read(&mut self, address: EndpointAddress, bytes: &mut [u8]) -> Result<usize> {
        if address.is_in() || address.index() > 7 {
            return Err(UsbError::InvalidEndpoint);
        }
        if address.index() == 0 {
            return self.read_control(bytes);
        }
        Ok(self.endpoints.epout[address.index() - 1].read(&mut self.engine, bytes)?)
    }

    fn read_control(&mut self, bytes: &mut [u8]) -> Result<usize> {
        if let Some(setup) = self.control.setup {
            let room = bytes.get_mut(..8).ok_or(UsbError::BufferOverflow)?;
            room.copy_from_slice(&setup.to_bytes());
            self.control = Pipe { current: Some(setup), ..Pipe::default() };
            if setup.length > 0 && !setup.is_in() {
                self.endpoints.control.permit(&mut self.engine)?;
            }
            return Ok(8);
        }
        if !core::mem::take(&mut self.control.received) {
            return Err(UsbError::WouldBlock);
        }
        let length = self.endpoints.control.read(&mut self.engine, bytes)?;
        self.control.moved += length;
        let expected = self.control.current.map_or(0, |setup| usize::from(setup.length));
        if self.control.moved < expected && length == usize::from(self.control_packet_size) {
            self.endpoints.control.permit(&mut self.engine)?;
        }
        Ok(length)
    }

    fn set_stalled(&mut self, address: EndpointAddress, stalled: bool) {
        let Self { engine, endpoints, .. } = self;
        match (address.index(), address.direction()) {
            // Until the next SETUP, which ends it by itself. One that has come already is not to be refused.
            (0, _) if stalled && self.control.setup.is_none() => {
                // Busy: a packet is on its way, after which nothing is due.
                let _ = endpoints.control.stall(engine);
            }
            (number @ 1..8, UsbDirection::In) => endpoints.epin[number - 1].halt(engine, stalled),
            (number @ 1..8, UsbDirection::Out) => endpoints.epout[number - 1].halt(engine, stalled),
            _ => {}
        }
        let bits = match address.direction() {
            UsbDirection::In => &mut self.stalled_in,
            UsbDirection::Out => &mut self.stalled_out,
        };
        *bits = *bits & !(1 << address.index()) | u8::from(stalled) << address.index();
    }

    fn stalled(&self, direction: UsbDirection) -> u8 {
        match direction {
            UsbDirection::In => self.stalled_in,
            UsbDirection::Out => self.stalled_out,
        }
    }

    fn poll(&mut self) -> PollResult {
        // First: what happens from here on raises it again.
        self.engine.usbd().take_epdata();
        let mut complete = u16::from(core::mem::take(&mut self.control.complete));
        match self.endpoints.control.next_event(&mut self.engine) {
            Some(ControlEvent::Reset) => return PollResult::Reset,
            Some(ControlEvent::Setup(setup)) => {
                self.control.setup = Some(setup);
                // usb-device is not told of the packets of the transfer before.
                (self.control.received, complete) = (false, 0);
            }
            Some(ControlEvent::Sent) => complete = 1,
            Some(ControlEvent::Received(_)) => self.control.received = true,
            None => {}
        }
        match self.engine.usbd().take_bus_event() {
            Some(super::BusEvent::Suspend) => return PollResult::Suspend,
            Some(super::BusEvent::Resume) => return PollResult::Resume,
            None => {}
        }
        let mut received = u16::from(self.control.received);
        let Self { engine, endpoints, .. } = self;
        for epin in &mut endpoints.epin {
            complete |= u16::from(epin.is_armed() && epin.is_sent(engine)) << epin.number();
        }
        for epout in &mut endpoints.epout {
            received |= u16::from(epout.received(engine).is_some()) << epout.number();
        }
        let ep_setup = u16::from(self.control.setup.is_some());
        if received | complete | ep_setup == 0 {
            return PollResult::None;
        }
        PollResult::Data { ep_out: received, ep_in_complete: complete, ep_setup }
    }
}

impl From<SendError> for UsbError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Busy => Self::WouldBlock,
            SendError::TooLong { .. } => Self::BufferOverflow,
            SendError::Closed => Self::InvalidEndpoint,
            SendError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<ReceiveError> for UsbError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Empty => Self::WouldBlock,
            ReceiveError::TooShort { .. } => Self::BufferOverflow,
            ReceiveError::Closed => Self::InvalidEndpoint,
            ReceiveError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<ControlError> for UsbError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Busy | ControlError::Empty | ControlError::Overtaken => Self::WouldBlock,
            ControlError::TooLong { .. } | ControlError::TooShort { .. } => Self::BufferOverflow,
            ControlError::NotInRam { .. } => Self::InvalidState,
        }
    }
}
