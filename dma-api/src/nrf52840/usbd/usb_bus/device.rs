//! The endpoints that usb-device has allocated, and what it was told of them.

use usb_device::bus::PollResult;
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

use super::pipe::Pipe;
use crate::fence::DmaFence;
use crate::nrf52840::usbd::{BusEvent, Endpoints, Engine, Received, Share, WithoutData, map};
use crate::registers::Registers;

/// The isochronous endpoints' number.
pub(super) const ISOCHRONOUS: usize = 8;

/// The endpoints, and what is known of them beside the hardware.
#[derive(Debug)]
pub(super) struct Device {
    pub endpoints: Endpoints,
    input: Bits,
    output: Bits,
    /// OUT endpoints with a packet that usb-device was told of.
    received: u16,
    /// IN endpoints whose packet was given up by the end of a halt: complete, as far as their class is concerned.
    given_up: u16,
    /// The bus is suspended, and usb-device was told.
    pub suspended: bool,
    /// There is memory for isochronous packets.
    has_isochronous: bool,
    /// An isochronous packet was sent, and usb-device was not told that it is complete.
    pub isochronous_is_sent: bool,
    pub control_packet_size: u16,
    pub control: Pipe,
}

/// The endpoints of one direction: bit n is endpoint n, 0 to 8.
#[derive(Debug, Default)]
struct Bits {
    allocated: u16,
    /// Halted: usb-device asks.
    stalled: u16,
    /// To be halted, or not to be any more, when the controller is awake.
    stalled_later: u16,
    unstalled_later: u16,
}

/// The bit of endpoint `number`; none for a number that no endpoint has.
const fn bit(number: usize) -> u16 {
    if number > ISOCHRONOUS { 0 } else { 1 << number }
}

impl Device {
    pub fn new(endpoints: Endpoints, has_isochronous: bool) -> Self {
        Self {
            endpoints,
            has_isochronous,
            input: Bits::default(),
            output: Bits::default(),
            received: 0,
            given_up: 0,
            suspended: false,
            isochronous_is_sent: false,
            control_packet_size: 64,
            control: Pipe::default(),
        }
    }

    fn bits(&mut self, direction: UsbDirection) -> &mut Bits {
        match direction {
            UsbDirection::In => &mut self.input,
            UsbDirection::Out => &mut self.output,
        }
    }

    pub fn allocate(
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
            EndpointType::Isochronous { .. } => (ISOCHRONOUS..ISOCHRONOUS + 1, map::ISO_PACKET_SIZE),
        };
        if usize::from(max_packet_size) > most {
            return Err(UsbError::EndpointMemoryOverflow);
        }
        let Bits { allocated, .. } = self.bits(direction);
        let is_free = |number: &usize| *allocated & bit(*number) == 0;
        let (number, missing) = match address {
            Some(address) => {
                let number = Some(address.index()).filter(|number| numbers.contains(number) && is_free(number));
                (number, UsbError::InvalidEndpoint)
            }
            None => (numbers.find(is_free), UsbError::EndpointOverflow),
        };
        let number = number.ok_or(missing)?;
        *allocated |= bit(number);
        if kind == EndpointType::Control {
            self.control_packet_size = max_packet_size;
        }
        Ok(EndpointAddress::from_parts(number, direction))
    }

    fn is_allocated(&mut self, address: EndpointAddress) -> bool {
        self.bits(address.direction()).allocated & bit(address.index()) != 0
    }

    /// The number of an endpoint that was allocated in this direction.
    pub fn number(&mut self, address: EndpointAddress, direction: UsbDirection) -> Result<usize> {
        if address.direction() == direction && self.is_allocated(address) {
            Ok(address.index())
        } else {
            Err(UsbError::InvalidEndpoint)
        }
    }

    /// A bus reset: the endpoints that were allocated are open, and empty.
    pub fn reset<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        let Self { endpoints, input, output, .. } = self;
        for epin in endpoints.epin.iter_mut().filter(|epin| input.allocated & 1 << epin.number() != 0) {
            epin.open(engine);
        }
        for epout in endpoints.epout.iter_mut().filter(|epout| output.allocated & 1 << epout.number() != 0) {
            epout.open(engine);
        }
        self.open_isochronous(engine);
        for bits in [&mut self.input, &mut self.output] {
            *bits = Bits { allocated: bits.allocated, ..Bits::default() };
        }
        (self.received, self.given_up, self.isochronous_is_sent) = (0, 0, false);
        self.control = Pipe::default();
        self.forget_suspension(engine);
    }

    /// Whether there is an isochronous endpoint that can be used: IN, OUT.
    fn has_isochronous(&self) -> [bool; 2] {
        [&self.input, &self.output].map(|bits| self.has_isochronous && bits.allocated & bit(ISOCHRONOUS) != 0)
    }

    /// The direction that is alone has the whole buffer.
    fn open_isochronous<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        let [has_in, has_out] = self.has_isochronous();
        let Endpoints { isoin, isoout, .. } = &mut self.endpoints;
        isoin.close(engine);
        isoout.close(engine);
        let share = if has_in && has_out { Share::Half } else { Share::Whole };
        // They were closed just now, and get the same share: `Shared` cannot be.
        if has_in {
            let _ = isoin.open(engine, share, WithoutData::Silence);
        }
        if has_out {
            let _ = isoout.open(engine, share);
        }
    }

    /// The bus is in use. What it has gone through before is no news.
    pub fn forget_suspension<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        while engine.usbd().take_bus_event().is_some() {}
        self.suspended = false;
    }

    pub fn write<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        number: usize,
        bytes: &[u8],
    ) -> Result<usize> {
        if number == 0 {
            return self.write_control(engine, bytes);
        }
        self.endpoints.epin[number - 1].write(engine, bytes)?;
        Ok(bytes.len())
    }

    /// SET_CONFIGURATION: DATA0 next, and no halt, on all endpoints (USB 2.0 9.1.1.5). What is on its way stays so: its
    /// class was not told.
    pub fn restart_endpoints<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        for number in 1..ISOCHRONOUS {
            for direction in [UsbDirection::In, UsbDirection::Out] {
                let address = EndpointAddress::from_parts(number, direction);
                if self.is_allocated(address) {
                    self.set_halt(engine, address, false);
                }
            }
        }
    }

    pub fn read<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        number: usize,
        bytes: &mut [u8],
    ) -> Result<usize> {
        if number == 0 {
            return self.read_control(engine, bytes);
        }
        if self.received & bit(number) == 0 {
            return Err(UsbError::WouldBlock);
        }
        let length = self.endpoints.epout[number - 1].read(engine, bytes)?;
        self.received &= !bit(number);
        Ok(length)
    }

    /// Whether there is an isochronous packet to receive, for a buffer of `room` bytes.
    ///
    /// # Errors
    ///
    /// What to return in its place: an error, or that it has no bytes.
    pub fn begin_isochronous_read<B: Registers + DmaFence>(
        &mut self,
        engine: &Engine<B>,
        room: usize,
    ) -> core::result::Result<(), Result<usize>> {
        if self.received & bit(ISOCHRONOUS) == 0 {
            return Err(Err(UsbError::WouldBlock));
        }
        let received = self.endpoints.isoout.received(engine);
        match received {
            Received::Packet(length) if length > room => return Err(Err(UsbError::BufferOverflow)),
            _ => self.received &= !bit(ISOCHRONOUS),
        }
        if received == Received::ZeroLength { Err(Ok(0)) } else { Ok(()) }
    }

    pub fn set_stalled<B: Registers + DmaFence>(
        &mut self,
        engine: &mut Engine<B>,
        address: EndpointAddress,
        stalled: bool,
    ) {
        match address.index() {
            // Until the next SETUP, which ends it by itself.
            0 if stalled => self.refuse(engine),
            1..ISOCHRONOUS if self.is_allocated(address) => self.set_halt(engine, address, stalled),
            _ => {}
        }
    }

    /// For `catch_up`. Endpoint 0 has no request that could be refused: the bus is suspended.
    pub fn set_stalled_later(&mut self, address: EndpointAddress, stalled: bool) {
        let mask = bit(address.index()) & self.bits(address.direction()).allocated & 0xFE;
        let bits = self.bits(address.direction());
        let (set, clear) = if stalled {
            (&mut bits.stalled_later, &mut bits.unstalled_later)
        } else {
            (&mut bits.unstalled_later, &mut bits.stalled_later)
        };
        *set |= mask;
        *clear &= !mask;
    }

    /// Does what was asked for in low power.
    pub fn catch_up<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) {
        for direction in [UsbDirection::In, UsbDirection::Out] {
            let bits = self.bits(direction);
            let stalled = core::mem::take(&mut bits.stalled_later);
            let unstalled = core::mem::take(&mut bits.unstalled_later);
            for number in (1..ISOCHRONOUS).filter(|&number| (stalled | unstalled) & bit(number) != 0) {
                self.set_halt(engine, EndpointAddress::from_parts(number, direction), stalled & bit(number) != 0);
            }
        }
    }

    /// Halts a data endpoint, or ends its halt, with what it holds. In any case it goes on with DATA0.
    fn set_halt<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>, address: EndpointAddress, halted: bool) {
        let (number, direction) = (address.index(), address.direction());
        let was_halted = self.is_stalled(address);
        let Self { endpoints, .. } = self;
        if direction == UsbDirection::In && was_halted && !halted && endpoints.epin[number - 1].is_armed() {
            self.given_up |= bit(number);
        }
        match direction {
            UsbDirection::In if halted || was_halted => endpoints.epin[number - 1].halt(engine, halted),
            UsbDirection::In => engine.usbd().unhalt(endpoints.epin[number - 1].number(), true),
            UsbDirection::Out if halted || was_halted => endpoints.epout[number - 1].halt(engine, halted),
            UsbDirection::Out => engine.usbd().unhalt(endpoints.epout[number - 1].number(), false),
        }
        let bits = self.bits(direction);
        bits.stalled = bits.stalled & !bit(number) | u16::from(halted) << number;
        if direction == UsbDirection::Out && was_halted && !halted {
            // It is empty now.
            self.received &= !bit(number);
        }
    }

    pub fn is_stalled(&self, address: EndpointAddress) -> bool {
        let bits = if address.is_in() { &self.input } else { &self.output };
        match address.index() {
            0 => self.control.refused,
            number => (bits.stalled | bits.stalled_later) & !bits.unstalled_later & bit(number) != 0,
        }
    }

    /// Whether something is left for the next `poll` that raises no event of its own.
    pub fn waits_for_poll<B>(&self, engine: &Engine<B>) -> bool {
        let [has_in, has_out] = self.has_isochronous();
        has_in || has_out || self.given_up != 0 || self.control.waits_for_poll() || engine.usbd.setup.is_some()
    }

    pub fn poll<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> PollResult {
        if self.control.owes {
            self.refuse(engine);
        }
        // Before what they tell of is looked at: what comes from here on raises them again.
        engine.usbd().take_frame();
        engine.usbd().take_epdata();
        if self.control_event(engine) {
            return PollResult::Reset;
        }
        let told = self.received;
        let (ep_in_complete, ep_setup) = self.packets(engine);
        let is_news = self.received & !told | ep_in_complete | ep_setup != 0;
        // News first: it came before the bus fell silent.
        if !is_news && let Some(result) = self.bus_event(engine) {
            return result;
        }
        let ep_out = self.received;
        if is_news || ep_out != 0 { PollResult::Data { ep_out, ep_in_complete, ep_setup } } else { PollResult::None }
    }

    /// What the bus does as a whole, if that is another thing than before.
    fn bus_event<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> Option<PollResult> {
        let was_suspended = self.suspended;
        while let Some(event) = engine.usbd().take_bus_event() {
            match event {
                BusEvent::Suspend => self.suspended = true,
                BusEvent::Resume => self.suspended = false,
                BusEvent::WakeUpAllowed => {}
            }
        }
        match (was_suspended, self.suspended) {
            (false, true) => Some(PollResult::Suspend),
            (true, false) => Some(PollResult::Resume),
            _ => None,
        }
    }

    /// What has gone over the wire since the last time: `ep_in_complete` and `ep_setup`. `received` is what was not
    /// read yet.
    fn packets<B: Registers + DmaFence>(&mut self, engine: &mut Engine<B>) -> (u16, u16) {
        let mut ep_in_complete = u16::from(core::mem::take(&mut self.control.complete));
        ep_in_complete |= core::mem::take(&mut self.given_up);
        let mut ep_out = u16::from(self.control.received);
        let Endpoints { epin, epout, isoin, isoout, .. } = &mut self.endpoints;
        // In this order: a host that has taken an answer, and sends the next question, is seen to have taken it.
        for epout in epout {
            ep_out |= u16::from(epout.received(engine).is_some()) << epout.number();
        }
        for epin in epin {
            ep_in_complete |= u16::from(epin.is_armed() && epin.is_sent(engine)) << epin.number();
        }
        if let Received::Packet(_) | Received::ZeroLength = isoout.received(engine) {
            ep_out |= bit(ISOCHRONOUS);
        }
        if self.isochronous_is_sent && isoin.is_free(engine) {
            self.isochronous_is_sent = false;
            ep_in_complete |= bit(ISOCHRONOUS);
        }
        self.received = ep_out;
        (ep_in_complete, u16::from(self.control.setup.is_some()))
    }
}
