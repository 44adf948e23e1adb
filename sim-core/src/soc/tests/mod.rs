//! The system as a whole, with a buffer in host memory that the DMA may reach.
//!
//! | file | what it is about |
//! |---|---|
//! | `rules` | every rule that is judged here, broken and kept |
//! | `cache` | a data cache between CPU and DMA |
//! | `data_endpoints` | endpoints 1 to 8, from memory to the wire and back |
//! | `errata` | what the silicon's errata do to the system |
//! | `fences` | which fences order CPU and DMA, on which machine |
//! | `host_memory` | the DMA touches what is lent to it, and nothing else |
//! | `move_words` | words at once, or one by one |
//! | `quirks` | writes and words that are on their way |
//! | `supply` | POWER and CLOCK, the cable |
//! | `stm32f103` | DMA items and serial lines |
//! | `generation` | whatever somebody else can observe is counted |

use dma_api::address::Direction;
use dma_api::nrf52840::usbd::map;
use dma_api::usb::Setup;

use super::*;
use crate::device::usbd::Packet;
use crate::device::usbd::{Answer, Token};

pub(crate) mod cache;
mod data_endpoints;
mod errata;
mod fences;
mod generation;
mod host_memory;
mod move_words;
mod quirks;
pub(crate) mod rules;
mod stm32f103;
mod supply;

/// Bytes on either side of the buffer that are none of the DMA's business.
const RED_ZONE: usize = 128;
const BUFFER: usize = 64;
/// What the host memory is filled with.
const UNTOUCHED: u8 = 0xC3;

/// Host memory that is valid for as long as the system which reaches it.
struct Rig {
    soc: Soc,
    memory: Vec<u8>,
}

/// A system that goes on after a violation.
fn config() -> Config {
    Config { policies: Policy::Collect.into(), options: Options::ideal(), ..Config::default() }
}

impl Rig {
    /// A device that a host has reset.
    fn connected(config: Config) -> Self {
        let mut rig = Self { soc: Soc::new(config), memory: vec![UNTOUCHED; RED_ZONE + BUFFER + RED_ZONE] };
        rig.write(map::enable(), 1);
        rig.soc.power_up_done();
        rig.write(map::usbpullup(), 1);
        rig.soc.bus_reset();
        rig
    }

    /// In the data stage of a control read.
    fn asked(config: Config) -> Self {
        let mut rig = Self::connected(config);
        rig.host(Token::Setup(Setup::get_device_descriptor(255).to_bytes()));
        rig
    }

    /// In the data stage of a control write; a packet of 64 times 0x11 waits in the endpoint.
    fn received(config: Config) -> Self {
        let mut rig = Self::connected(config);
        let setup = Setup { request_type: 0x21, request: 0x20, value: 0, index: 0, length: 255 };
        rig.host(Token::Setup(setup.to_bytes()));
        rig.write(map::tasks_ep0rcvout(), 1);
        assert_eq!(rig.host(Token::Out { data1: true, packet: Packet::new(&[0x11; BUFFER]) }), Answer::Ack);
        rig
    }

    fn host(&mut self, token: Token) -> Answer {
        self.soc.transaction(0, 0, token)
    }

    #[track_caller]
    fn read(&mut self, offset: u16) -> u32 {
        self.soc.cpu_read(offset, Location::caller())
    }

    #[track_caller]
    fn write(&mut self, offset: u16, value: u32) {
        self.soc.cpu_write(offset, value, Location::caller());
    }

    /// The first bytes of the buffer.
    fn region(&mut self, length: usize, direction: Direction) -> Region {
        assert!(length <= BUFFER);
        Region { pointer: self.memory.as_mut_ptr().wrapping_add(RED_ZONE), length, direction }
    }

    #[track_caller]
    fn release(&mut self, length: usize, direction: Direction) -> BusAddress {
        let region = self.region(length, direction);
        // SAFETY:
        // - The region is valid for reads and writes: `region` stays inside of `memory` (asserted there), which this
        //   rig keeps, unmoved, for as long as it has the system.
        // - Nobody conflicts: the engine runs on this thread, inside of `Soc::engine_step`, during which nobody else
        //   has `memory`.
        unsafe { self.soc.release(region, Location::caller()) }
    }

    #[track_caller]
    fn acquire(&mut self, length: usize, direction: Direction) {
        let region = self.region(length, direction);
        self.soc.acquire(region, Location::caller());
    }

    #[track_caller]
    fn start_in(&mut self, address: BusAddress, length: u32) {
        self.write(map::epin_ptr(0), address.get());
        self.write(map::epin_maxcnt(0), length);
        self.write(map::tasks_startepin(0), 1);
    }

    #[track_caller]
    fn start_out(&mut self, address: BusAddress, length: u32) {
        self.write(map::epout_ptr(0), address.get());
        self.write(map::epout_maxcnt(0), length);
        self.write(map::tasks_startepout(0), 1);
    }

    /// Runs the transfer to its END, and lets the driver see it.
    fn run_to_end(&mut self) {
        while self.soc.engine_is_busy() {
            self.soc.engine_step();
        }
        let ended = self.read(map::events_endepin(0)) + self.read(map::events_endepout(0));
        assert_ne!(ended, 0, "the transfer has ended");
    }

    /// The rules that were broken so far.
    fn rules(&self) -> Vec<Rule> {
        self.soc.monitor().violations().iter().map(|violation| violation.misuse.rule).collect()
    }

    fn buffer(&self) -> &[u8] {
        let (before, rest) = self.memory.split_at(RED_ZONE);
        let (buffer, after) = rest.split_at(BUFFER);
        assert!(before.iter().chain(after).all(|&byte| byte == UNTOUCHED), "a red zone was written");
        buffer
    }
}
