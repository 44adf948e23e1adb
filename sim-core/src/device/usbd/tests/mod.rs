//! The emulated USBD, used from the driver's side and from the host's.
//!
//! | file | what it is about |
//! |---|---|
//! | `registers` | reset values, access kinds, fields, the interrupt line |
//! | `access` | which registers are out of reach, and when |
//! | `power` | ENABLE, READY, pull-up, who is addressed |
//! | `feed` | VBUS, the regulator, HFXO: with one of them missing |
//! | `control_read`, `control_write` | endpoint 0 on the wire |
//! | `data_in`, `data_out`, `halt` | endpoints 1 to 7 on the wire, stalls and toggles |
//! | `iso` | endpoint 8: frames, lengths, what has no handshake |
//! | `transfer` | START to END, a second START |
//! | `shorts` | tasks that events trigger |
//! | `reset` | what a bus reset and a new SETUP leave behind |
//! | `state` | what the chip's hash tells apart |
//! | `suspend` | suspend, resume, low power, remote wake-up, frames |
//! | `errata` | what silicon does beyond the datasheet |
//! | `switches` | what drivers do not agree on |
//! | `rules` | every rule of the chip, broken and kept |
//! | `effects` | what silicon does when a rule is broken |

use std::ops::{Deref, DerefMut};

use dma_api::nrf52840::usbd::map::REGISTERS;
use dma_api::table::{Access, Register};
use dma_api::usb::Setup;

use super::*;

mod access;
mod control_read;
mod control_write;
mod data_in;
mod data_out;
mod effects;
mod errata;
mod feed;
mod halt;
mod iso;
mod power;
mod registers;
mod reset;
pub(crate) mod rules;
mod shorts;
mod state;
mod suspend;
mod switches;
mod transfer;

/// Somewhere in RAM. The chip does not look: what PTR reaches is judged by whoever does the copy.
const ADDRESS: u32 = 0x2000_0100;

/// SET_LINE_CODING of a serial port: a control write.
fn control_write(length: u16) -> Setup {
    Setup { request_type: 0x21, request: 0x20, value: 0, index: 0, length }
}

/// SET_CONFIGURATION: no data stage.
fn no_data() -> Setup {
    Setup { request_type: 0x00, request: 9, value: 1, index: 0, length: 0 }
}

/// `length` bytes, no two neighbours equal.
fn bytes(length: u8) -> Vec<u8> {
    (1..=length).collect()
}

/// What the host gets: DATA0 or DATA1 with these bytes.
fn data(data1: bool, bytes: &[u8]) -> Answer {
    Answer::Data { data1, packet: Packet::new(bytes) }
}

/// The empty DATA1 packet of a status stage.
fn status() -> Answer {
    data(true, &[])
}

/// A chip under test. What a test does wrong on purpose it takes with [`Rig::rules`]; whatever is left fails it.
struct Rig(Usbd);

impl Deref for Rig {
    type Target = Usbd;

    fn deref(&self) -> &Usbd {
        &self.0
    }
}

impl DerefMut for Rig {
    fn deref_mut(&mut self) -> &mut Usbd {
        &mut self.0
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.rules(), [], "the test breaks rules that it does not speak of");
        }
    }
}

impl Rig {
    /// A chip out of reset.
    fn off() -> Self {
        Self(Usbd::new(Options::ideal()))
    }

    /// A chip that is powered up, not connected.
    fn ready(options: Options) -> Self {
        let mut rig = Self(Usbd::new(options));
        rig.write(map::enable(), 1);
        rig.power_up_done();
        rig
    }

    /// A chip that a host has reset; all events are cleared.
    fn with(options: Options) -> Self {
        let mut rig = Self::ready(options);
        rig.write(map::eventcause(), u32::MAX);
        rig.write(map::usbpullup(), 1);
        rig.bus_reset();
        rig.events();
        rig
    }

    /// A chip with the default options that a host has reset; all events are cleared.
    fn connected() -> Self {
        Self::with(Options::ideal())
    }

    /// A connected chip with endpoints 1 to 7 enabled and the OUT ones armed; all events are cleared.
    fn configured() -> Self {
        let mut rig = Self::connected();
        rig.write(map::epinen(), 0xFF);
        rig.write(map::epouten(), 0xFF);
        (1..8).for_each(|endpoint| rig.write(map::size_epout(endpoint), 0));
        rig
    }

    /// A connected chip that was sent this SETUP; all events are cleared.
    fn asked(setup: Setup) -> Self {
        let mut rig = Self::connected();
        rig.setup(setup);
        rig.events();
        rig
    }

    /// The rules that were broken since the last call.
    fn rules(&mut self) -> Vec<Rule> {
        self.take_misuse().into_iter().map(|misuse| misuse.rule).collect()
    }

    /// The events that are 1, by name; clears them.
    fn events(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        for (row, offset) in every_register() {
            if row.access == Access::Event && self.read(offset) != 0 {
                events.push(name_of(offset));
                self.write(offset, 0);
            }
        }
        events
    }

    fn event(&mut self, offset: u16) -> bool {
        self.read(offset) != 0
    }

    /// All that the chip remembers, to be compared.
    fn state(&self) -> String {
        format!("{:?}", self.0)
    }

    fn task(&mut self, offset: u16) {
        self.write(offset, 1);
    }

    fn setup(&mut self, setup: Setup) {
        let answer = self.token(0, 0, &Token::Setup(setup.to_bytes()));
        assert_eq!(answer, Answer::Ack, "a SETUP is always acknowledged");
    }

    /// IN to endpoint 0, and the host's ACK if it was given data.
    fn host_in(&mut self) -> Answer {
        self.host_in_at(0)
    }

    /// IN, and the host's ACK if it was given data.
    fn host_in_at(&mut self, endpoint: u8) -> Answer {
        let answer = self.token(0, endpoint, &Token::In);
        if matches!(answer, Answer::Data { .. }) {
            self.acknowledge(endpoint);
        }
        answer
    }

    /// OUT to endpoint 0, with these bytes.
    fn host_out(&mut self, data1: bool, bytes: &[u8]) -> Answer {
        self.host_out_at(0, data1, bytes)
    }

    /// OUT with these bytes.
    fn host_out_at(&mut self, endpoint: u8, data1: bool, bytes: &[u8]) -> Answer {
        self.token(0, endpoint, &Token::Out { data1, packet: Packet::new(bytes) })
    }

    /// OUT as the status stage of a control read has it.
    fn host_status_out(&mut self) -> Answer {
        self.host_out(true, &[])
    }

    fn start_in(&mut self, length: u32) {
        self.start_in_at(0, length);
    }

    fn start_in_at(&mut self, endpoint: u16, length: u32) {
        self.write(map::epin_ptr(endpoint), ADDRESS);
        self.write(map::epin_maxcnt(endpoint), length);
        self.task(map::tasks_startepin(endpoint));
    }

    fn start_out(&mut self, length: u32) {
        self.start_out_at(0, length);
    }

    fn start_out_at(&mut self, endpoint: u16, length: u32) {
        self.write(map::epout_ptr(endpoint), ADDRESS);
        self.write(map::epout_maxcnt(endpoint), length);
        self.task(map::tasks_startepout(endpoint));
    }

    /// The engine has read these bytes.
    fn end_in(&mut self, bytes: &[u8]) {
        let job = self.job().expect("a transfer runs").clone();
        assert_eq!(job.direction, Direction::MemoryToDevice);
        let mut payload = job.payload;
        payload.bytes_mut().copy_from_slice(bytes);
        self.complete(job.id, &payload);
    }

    /// The engine has written what it was to write: these bytes.
    fn end_out(&mut self) -> Vec<u8> {
        let job = self.job().expect("a transfer runs").clone();
        assert_eq!(job.direction, Direction::DeviceToMemory);
        self.complete(job.id, &job.payload);
        job.payload.bytes().to_vec()
    }

    /// A whole IN transfer: endpoint 0 is armed with these bytes.
    fn arm(&mut self, bytes: &[u8]) {
        self.arm_at(0, bytes);
    }

    /// A whole IN transfer: the endpoint is armed with these bytes.
    fn arm_at(&mut self, endpoint: u16, bytes: &[u8]) {
        self.start_in_at(endpoint, u32::try_from(bytes.len()).expect("a packet is short"));
        self.end_in(bytes);
    }

    /// A whole OUT transfer, as long as SIZE says.
    fn fetch_at(&mut self, endpoint: u16) -> Vec<u8> {
        let size = self.read(map::size_epout(endpoint));
        self.start_out_at(endpoint, size);
        self.end_out()
    }
}

/// Every register of the map, with its offset.
fn every_register() -> impl Iterator<Item = (&'static Register<Name>, u16)> {
    REGISTERS.iter().flat_map(|row| (0..row.count).map(move |n| (row, row.offset + n * row.stride)))
}
