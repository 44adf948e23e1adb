//! A device with a bulk endpoint pair that sends back what it gets.
//!
//! Written on [`Engine`], [`Control`], [`EpIn`](dma_api::nrf52840::usbd::EpIn) and
//! [`EpOut`](dma_api::nrf52840::usbd::EpOut), and on nothing else: it is also the example of how they go together.
//!
//! One configuration, one interface of vendor class, bulk OUT 0x01 and bulk IN 0x81, three strings. Standard requests
//! as in USB 2.0 9.4; [`STORE`] and [`FETCH`]; the rest is refused.

use dma_api::nrf52840::usbd::map::PACKET_SIZE;
use dma_api::nrf52840::usbd::{Control, ControlEvent, Endpoints, Engine, Usbd};
use dma_api::usb::*;

use crate::explore::Board;
use crate::statics;

/// The device descriptor: USB 2.0, 64-byte packets, vendor 0x1209 product 0x0001 (pid.codes, for tests), three strings.
pub static DEVICE: [u8; 18] = [18, 1, 0x00, 0x02, 0, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 1, 2, 3, 1];

/// The configuration, with its interface and two endpoints: bus-powered, 100 mA.
#[rustfmt::skip]
pub static CONFIGURATION: [u8; 32] = [
    9, 2, 32, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 2, 0xFF, 0, 0, 0,
    7, 5, 0x81, 2, 64, 0, 0,
    7, 5, 0x01, 2, 64, 0, 0,
];

/// String 0: the languages, which is one, English.
static LANGUAGES: [u8; 4] = [4, 3, 0x09, 0x04];

/// The strings that the device descriptor names, from 1 on.
static STRINGS: [&[u8]; 3] =
    [b"\x12\x03d\0m\0a\0c\0h\0e\0c\0k\0", b"\x12\x03l\0o\0o\0p\0b\0a\0c\0k\0", b"\x06\x034\x002\0"];

/// bRequest of a vendor request with data from the host: keeps it, up to [`STORE_LENGTH`] bytes.
pub const STORE: u8 = 1;

/// bRequest of a vendor request with data to the host: what [`STORE`] has kept.
pub const FETCH: u8 = 2;

/// How many bytes [`STORE`] keeps: two packets.
pub const STORE_LENGTH: usize = 2 * PACKET_SIZE;

const VENDOR_DEVICE_OUT: u8 = 0x40;
const VENDOR_DEVICE_IN: u8 = 0xC0;

/// Bytes to be sent, or those that the host has sent.
#[derive(Clone, Copy, Debug)]
struct Bytes {
    bytes: [u8; STORE_LENGTH],
    length: usize,
}

impl Bytes {
    const EMPTY: Self = Self { bytes: [0; STORE_LENGTH], length: 0 };

    /// The first of `bytes`, as many as there is room for.
    fn new(bytes: &[u8]) -> Self {
        let mut kept = Self::EMPTY;
        kept.push(bytes);
        kept
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.bytes[self.length..];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
        self.length += length;
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The data stage of a control read, and how much of it is sent or on its way.
#[derive(Clone, Copy, Debug)]
struct Answer {
    bytes: Bytes,
    sent: usize,
    /// The data stage ends with a packet that is shorter than 64 bytes: there is less than the host asked for.
    ends_short: bool,
}

/// The device.
#[derive(Debug)]
struct Loopback<B> {
    engine: Engine<B>,
    endpoints: Endpoints,
    answer: Option<Answer>,
    /// What comes in the data stage of a control write, and how long it is to be.
    incoming: Option<(Bytes, usize)>,
    stored: Bytes,
    configuration: u8,
    /// Endpoint 1 is halted: OUT, IN.
    halted: [bool; 2],
    /// A packet that is to be sent back.
    packet: Option<([u8; PACKET_SIZE], usize)>,
}

/// Serves the host until it is done.
///
/// See [`Echo`](super::programs::Echo) for an example.
pub fn serve<B: Board>(board: B) {
    let mut usbd = Usbd::new(board.clone());
    usbd.power_up();
    while !usbd.is_ready() {}
    let (mut engine, endpoints) = Engine::new(usbd, statics::packet_buffer());
    engine.usbd().connect();
    let (answer, incoming, packet) = (None, None, None);
    let stored = Bytes::EMPTY;
    let mut device =
        Loopback { engine, endpoints, answer, incoming, stored, configuration: 0, halted: [false; 2], packet };
    loop {
        board.checkpoint(&device);
        if board.host_is_done() {
            break;
        }
        device.poll();
    }
    let (_, buffer) = device.engine.into_parts(device.endpoints);
    statics::give_back(buffer);
}

impl<B: Board> Loopback<B> {
    fn poll(&mut self) {
        match self.endpoints.control.next_event(&mut self.engine) {
            Some(ControlEvent::Reset) => self.configure(0),
            Some(ControlEvent::Setup(setup)) => self.on_setup(setup),
            Some(ControlEvent::Sent) => self.go_on(),
            Some(ControlEvent::Received(_)) => self.take_in(),
            _ => {}
        }
        if self.configuration != 0 {
            self.echo();
        }
    }

    /// Takes a packet if there is room, and sends it back when the host has taken the one before.
    fn echo(&mut self) {
        let Endpoints { epin: [epin, ..], epout: [epout, ..], .. } = &mut self.endpoints;
        if self.packet.is_none() && epout.received(&self.engine).is_some() {
            let mut bytes = [0; PACKET_SIZE];
            let length = epout.read(&mut self.engine, &mut bytes).expect("a packet waits, and 64 bytes hold it");
            self.packet = Some((bytes, length));
        }
        if let Some((bytes, length)) = self.packet
            && epin.is_sent(&self.engine)
        {
            epin.write(&mut self.engine, &bytes[..length]).expect("the endpoint is idle");
            self.packet = None;
        }
    }

    fn configure(&mut self, configuration: u8) {
        let Endpoints { epin: [epin, ..], epout: [epout, ..], .. } = &mut self.endpoints;
        if configuration == 0 {
            epin.close(&mut self.engine);
            epout.close(&mut self.engine);
        } else {
            epin.open(&mut self.engine);
            epout.open(&mut self.engine);
        }
        (self.configuration, self.halted, self.packet) = (configuration, [false; 2], None);
    }

    fn on_setup(&mut self, setup: Setup) {
        (self.answer, self.incoming) = (None, None);
        let [low, high] = setup.value.to_le_bytes();
        match (setup.request_type, setup.request) {
            // The hardware answers it, status stage included.
            (STANDARD_DEVICE_OUT, SET_ADDRESS) => {}
            (STANDARD_DEVICE_OUT, SET_CONFIGURATION) if low <= 1 => {
                self.configure(low);
                self.accept();
            }
            (STANDARD_DEVICE_IN, GET_CONFIGURATION) => self.respond(setup, &[self.configuration]),
            (STANDARD_DEVICE_IN, GET_DESCRIPTOR) => match descriptor(high, low) {
                Some(bytes) => self.respond(setup, bytes),
                None => self.refuse(),
            },
            (STANDARD_DEVICE_IN, GET_STATUS) => self.respond(setup, &[0, 0]),
            (STANDARD_INTERFACE_IN, GET_STATUS) if self.has_interface(setup) => self.respond(setup, &[0, 0]),
            (STANDARD_INTERFACE_IN, GET_INTERFACE) if self.has_interface(setup) => self.respond(setup, &[0]),
            (STANDARD_INTERFACE_OUT, SET_INTERFACE) if self.has_interface(setup) && setup.value == 0 => {
                self.configure(self.configuration);
                self.accept();
            }
            (STANDARD_ENDPOINT_IN, GET_STATUS) => match self.halt_of(setup.index) {
                Some(halted) => self.respond(setup, if halted { &[1, 0] } else { &[0, 0] }),
                None => self.refuse(),
            },
            (STANDARD_ENDPOINT_OUT, request @ (SET_FEATURE | CLEAR_FEATURE)) if setup.value == ENDPOINT_HALT => {
                self.set_halt(setup.index, request == SET_FEATURE);
            }
            (VENDOR_DEVICE_OUT, STORE) if (1..=STORE_LENGTH).contains(&setup.length.into()) => {
                self.incoming = Some((Bytes::EMPTY, setup.length.into()));
                self.control(Control::permit);
            }
            (VENDOR_DEVICE_IN, FETCH) => self.respond(setup, { self.stored }.as_slice()),
            _ => self.refuse(),
        }
    }

    /// Takes a packet of the data stage of a control write: the last is followed by the status stage.
    fn take_in(&mut self) {
        let mut packet = [0; PACKET_SIZE];
        let read = self.endpoints.control.read(&mut self.engine, &mut packet);
        let (Some((mut bytes, expected)), Ok(length)) = (self.incoming, read) else {
            // Overtaken by a SETUP, which is the next event.
            return;
        };
        bytes.push(&packet[..length]);
        if bytes.length < expected && length == PACKET_SIZE {
            self.incoming = Some((bytes, expected));
            self.control(Control::permit);
        } else {
            (self.incoming, self.stored) = (None, bytes);
            self.accept();
        }
    }

    fn has_interface(&self, setup: Setup) -> bool {
        self.configuration != 0 && setup.index == 0
    }

    /// Whether the endpoint at this address is halted. Endpoint 0 never is.
    fn halt_of(&self, address: u16) -> Option<bool> {
        match address {
            0x00 | 0x80 => Some(false),
            0x01 | 0x81 if self.configuration != 0 => Some(self.halted[usize::from(address >> 7)]),
            _ => None,
        }
    }

    fn set_halt(&mut self, address: u16, halted: bool) {
        if self.halt_of(address).is_none() || address & 0x7F == 0 {
            return self.refuse();
        }
        let Endpoints { epin: [epin, ..], epout: [epout, ..], .. } = &mut self.endpoints;
        if address == 0x81 {
            epin.halt(&mut self.engine, halted)
        } else {
            epout.halt(&mut self.engine, halted)
        }
        self.halted[usize::from(address >> 7)] = halted;
        self.accept();
    }

    /// Answers a request that has a data stage; one that asks for nothing gets the status stage only.
    fn respond(&mut self, setup: Setup, bytes: &[u8]) {
        let asked = usize::from(setup.length);
        if asked == 0 {
            return self.accept();
        }
        let ends_short = bytes.len() < asked;
        let bytes = Bytes::new(&bytes[..bytes.len().min(asked)]);
        self.answer = Some(Answer { bytes, sent: 0, ends_short });
        self.go_on();
    }

    /// Sends the next packet of the data stage, if there is one.
    fn go_on(&mut self) {
        let Some(Answer { bytes, sent, ends_short }) = self.answer.take() else {
            return;
        };
        let rest = &bytes.as_slice()[sent..];
        let packet = &rest[..rest.len().min(PACKET_SIZE)];
        let last = packet.len() == rest.len() && (packet.len() < PACKET_SIZE || !ends_short);
        if !last {
            self.answer = Some(Answer { bytes, sent: sent + packet.len(), ends_short });
        }
        self.control(|control, engine| control.write(engine, packet, last));
    }

    fn accept(&mut self) {
        self.control(Control::accept);
    }

    fn refuse(&mut self) {
        self.control(Control::stall);
    }

    fn control(
        &mut self,
        call: impl FnOnce(&mut Control, &mut Engine<B>) -> Result<(), dma_api::nrf52840::usbd::ControlError>,
    ) {
        call(&mut self.endpoints.control, &mut self.engine)
            .expect("nothing is on its way after a SETUP and after Sent");
    }
}

fn descriptor(kind: u8, number: u8) -> Option<&'static [u8]> {
    match (kind, number) {
        (DEVICE_DESCRIPTOR, 0) => Some(&DEVICE),
        (CONFIGURATION_DESCRIPTOR, 0) => Some(&CONFIGURATION),
        (STRING_DESCRIPTOR, 0) => Some(&LANGUAGES),
        (STRING_DESCRIPTOR, number) => STRINGS.get(usize::from(number) - 1).copied(),
        _ => None,
    }
}
