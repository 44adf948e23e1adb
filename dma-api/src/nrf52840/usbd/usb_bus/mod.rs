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
//! | reads data without asking | a packet for each EP0RCVOUT | asked for at the SETUP, and after each but the last |
//! | writes an empty packet as status stage | EP0STATUS, and no event at its end | complete at the next `poll` |
//! | waits for the status stage of a read | the shortcut permits it, no event | with the last packet of the data |
//! | sets the address | does it alone | nothing; usb-device takes it for set when SET_ADDRESS is read |
//! | ends whole packets with an empty one | wLength bytes are the end | left out if the host has all |
//! | refuses in both directions | one task for both; a second may hit the next SETUP | the first counts |
//! | leaves a request unanswered whose data is too long for its buffer | NAK, for as long as the host waits | refused |
//! | does not tell of SET_CONFIGURATION | toggles and halts stay | both are reset when it is granted |
//!
//! What comes over the wire is seen by `poll`, and by nothing else: `read` gives packets that `poll` has told of,
//! `write` has room when `poll` has told that the packet before is complete. So each is told of once, and before.
//!
//! *Not done*: low power in suspend (`suspend` and `resume` are told to the class, and the controller stays awake),
//! remote wake-up. Isochronous endpoints are allocated, for descriptors; their `read` and `write` are `Unsupported`.
//! SET_INTERFACE resets no toggles: which endpoints an interface has, only its class knows. It can `unstall` them in
//! `set_alt_setting`.

use core::cell::RefCell;

use critical_section::Mutex;
use usb_device::bus::PollResult;
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

use pipe::Pipe;

use super::{BusEvent, ControlError, Endpoints, Engine, PacketBuffer, ReceiveError, SendError, Usbd, map};
use crate::fence::DmaFence;
use crate::registers::Registers;

mod pipe;

/// The isochronous endpoint's number.
const ISOCHRONOUS: usize = 8;

/// The most bytes of an isochronous packet (USB 2.0 5.6.3).
const ISOCHRONOUS_SIZE: u16 = 1023;

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
    input: Bits,
    output: Bits,
    /// OUT endpoints with a packet that usb-device was told of.
    received: u16,
    /// The bus is suspended, and usb-device was told.
    suspended: bool,
    control_packet_size: u16,
    control: Pipe,
}

/// The endpoints of one direction: bit n is endpoint n, 1 to 8.
#[derive(Debug, Default)]
struct Bits {
    allocated: u16,
    /// Halted: usb-device asks.
    stalled: u16,
}

impl<B: Registers + DmaFence + Send> UsbBus<B> {
    /// The bus of `usbd`, which is powered up; it is connected when usb-device enables it.
    pub fn new(usbd: Usbd<B>, buffer: &'static mut PacketBuffer) -> Self {
        let (engine, endpoints) = Engine::new(usbd, buffer);
        Self(Mutex::new(RefCell::new(Device {
            engine,
            endpoints,
            input: Bits::default(),
            output: Bits::default(),
            received: 0,
            suspended: false,
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

    /// The hardware sets it, and no event says when: with the next SETUP at the latest.
    const QUIRK_SET_ADDRESS_BEFORE_STATUS: bool = true;

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
        self.with(|device| device.is_stalled(address))
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        self.with(Device::poll)
    }
}

impl<B: Registers + DmaFence> Device<B> {
    fn bits(&mut self, direction: UsbDirection) -> &mut Bits {
        match direction {
            UsbDirection::In => &mut self.input,
            UsbDirection::Out => &mut self.output,
        }
    }

    fn allocate(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        kind: EndpointType,
        max_packet_size: u16,
    ) -> Result<EndpointAddress> {
        let (mut numbers, most) = match kind {
            // usb-device's own pipe; it knows of no other.
            EndpointType::Control if address.is_none() => return Err(UsbError::Unsupported),
            EndpointType::Control => (0..1, map::PACKET_SIZE),
            EndpointType::Bulk | EndpointType::Interrupt => (1..ISOCHRONOUS, map::PACKET_SIZE),
            EndpointType::Isochronous { .. } => (ISOCHRONOUS..ISOCHRONOUS + 1, ISOCHRONOUS_SIZE.into()),
        };
        if usize::from(max_packet_size) > most {
            return Err(UsbError::EndpointMemoryOverflow);
        }
        let Bits { allocated, .. } = self.bits(direction);
        let is_free = |number: &usize| *allocated & 1 << number == 0;
        let (number, missing) = match address {
            Some(address) => {
                let number = Some(address.index()).filter(|number| numbers.contains(number) && is_free(number));
                (number, UsbError::InvalidEndpoint)
            }
            None => (numbers.find(is_free), UsbError::EndpointOverflow),
        };
        let number = number.ok_or(missing)?;
        *allocated |= 1 << number;
        if kind == EndpointType::Control {
            self.control_packet_size = max_packet_size;
        }
        Ok(EndpointAddress::from_parts(number, direction))
    }

    /// A bus reset: the endpoints that were allocated are open, and empty.
    fn reset(&mut self) {
        let Self { engine, endpoints, input, output, .. } = self;
        for epin in endpoints.epin.iter_mut().filter(|epin| input.allocated & 1 << epin.number() != 0) {
            epin.open(engine);
        }
        for epout in endpoints.epout.iter_mut().filter(|epout| output.allocated & 1 << epout.number() != 0) {
            epout.open(engine);
        }
        (input.stalled, output.stalled) = (0, 0);
        (self.received, self.suspended, self.control) = (0, false, Pipe::default());
    }

    /// The number of an endpoint that was allocated in this direction.
    fn number(&mut self, address: EndpointAddress, direction: UsbDirection) -> Result<usize> {
        let number = address.index();
        match self.bits(direction).allocated & 1 << number {
            0 => Err(UsbError::InvalidEndpoint),
            _ if address.direction() != direction => Err(UsbError::InvalidEndpoint),
            _ if number == ISOCHRONOUS => Err(UsbError::Unsupported),
            _ => Ok(number),
        }
    }

    fn write(&mut self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        let number = self.number(address, UsbDirection::In)?;
        if number == 0 {
            return self.write_control(bytes);
        }
        self.endpoints.epin[number - 1].write(&mut self.engine, bytes)?;
        Ok(bytes.len())
    }

    /// SET_CONFIGURATION: DATA0 next, and no halt, on all endpoints (USB 2.0 9.1.1.5). What is on its way stays so: its
    /// class was not told.
    fn restart_endpoints(&mut self) {
        for number in 1..8 {
            for direction in [UsbDirection::In, UsbDirection::Out] {
                if self.bits(direction).allocated & 1 << number != 0 {
                    self.set_halt(EndpointAddress::from_parts(number, direction), false);
                }
            }
        }
    }

    fn read(&mut self, address: EndpointAddress, bytes: &mut [u8]) -> Result<usize> {
        let number = self.number(address, UsbDirection::Out)?;
        if number == 0 {
            return self.read_control(bytes);
        }
        if self.received & 1 << number == 0 {
            return Err(UsbError::WouldBlock);
        }
        let length = self.endpoints.epout[number - 1].read(&mut self.engine, bytes)?;
        self.received &= !(1 << number);
        Ok(length)
    }

    fn set_stalled(&mut self, address: EndpointAddress, stalled: bool) {
        match address.index() {
            // Until the next SETUP, which ends it by itself.
            0 if stalled => self.refuse(),
            1..8 if self.bits(address.direction()).allocated & 1 << address.index() != 0 => {
                self.set_halt(address, stalled);
            }
            _ => {}
        }
    }

    /// Halts a data endpoint, or ends its halt, with what it holds. In any case it goes on with DATA0.
    fn set_halt(&mut self, address: EndpointAddress, halted: bool) {
        let (number, direction) = (address.index(), address.direction());
        let was_halted = self.is_stalled(address);
        let Self { engine, endpoints, .. } = self;
        match direction {
            UsbDirection::In if halted || was_halted => endpoints.epin[number - 1].halt(engine, halted),
            UsbDirection::In => engine.usbd().unhalt(endpoints.epin[number - 1].number(), true),
            UsbDirection::Out if halted || was_halted => endpoints.epout[number - 1].halt(engine, halted),
            UsbDirection::Out => engine.usbd().unhalt(endpoints.epout[number - 1].number(), false),
        }
        let bits = self.bits(direction);
        bits.stalled = bits.stalled & !(1 << number) | u16::from(halted) << number;
        if direction == UsbDirection::Out && was_halted && !halted {
            // It is empty now.
            self.received &= !(1 << number);
        }
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        let bits = if address.is_in() { &self.input } else { &self.output };
        match address.index() {
            0 => self.control.refused,
            number => bits.stalled & 1 << number != 0,
        }
    }

    fn poll(&mut self) -> PollResult {
        if self.control.owes {
            self.refuse();
        }
        match self.engine.usbd().take_bus_event() {
            Some(BusEvent::Suspend) => {
                self.suspended = true;
                return PollResult::Suspend;
            }
            Some(BusEvent::Resume) => {
                self.suspended = false;
                return PollResult::Resume;
            }
            Some(BusEvent::WakeUpAllowed) | None => {}
        }
        // Before the packets are looked at: one that comes from here on raises it again.
        self.engine.usbd().take_epdata();
        if self.control_event() {
            return PollResult::Reset;
        }
        // What came before the bus was suspended waits until it is in use again.
        if self.suspended { PollResult::None } else { self.packets() }
    }

    /// What has gone over the wire since the last time, and what was not read yet.
    fn packets(&mut self) -> PollResult {
        let mut ep_in_complete = u16::from(core::mem::take(&mut self.control.complete));
        let mut ep_out = u16::from(self.control.received);
        let Self { engine, endpoints, .. } = self;
        // In this order: a host that has taken an answer, and sends the next question, is seen to have taken it.
        for epout in &mut endpoints.epout {
            ep_out |= u16::from(epout.received(engine).is_some()) << epout.number();
        }
        for epin in &mut endpoints.epin {
            ep_in_complete |= u16::from(epin.is_armed() && epin.is_sent(engine)) << epin.number();
        }
        self.received = ep_out;
        let ep_setup = u16::from(self.control.setup.is_some());
        if ep_out | ep_in_complete | ep_setup == 0 {
            return PollResult::None;
        }
        PollResult::Data { ep_out, ep_in_complete, ep_setup }
    }
}

impl From<SendError> for UsbError {
    fn from(error: SendError) -> Self {
        match error {
            // Closed: allocated, and the host has not reset the bus yet.
            SendError::Busy | SendError::Closed => Self::WouldBlock,
            SendError::TooLong { .. } => Self::BufferOverflow,
            SendError::NotInRam { .. } => Self::InvalidState,
        }
    }
}

impl From<ReceiveError> for UsbError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Empty | ReceiveError::Closed => Self::WouldBlock,
            ReceiveError::TooShort { .. } => Self::BufferOverflow,
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
