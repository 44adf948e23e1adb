//! The bus behind `UsbBus`, without its lock, against registers that hold what a test puts there.

use std::boxed::Box;
use std::vec::Vec;

use usb_device::endpoint::{IsochronousSynchronizationType, IsochronousUsageType};

use super::*;
use crate::nrf52840::fake::Block;
use crate::nrf52840::usbd::map;
use crate::usb::Setup;

mod allocation;
mod control;
mod halts;
mod isochronous;
mod suspend;

const ISOCHRONOUS: EndpointType = EndpointType::Isochronous {
    synchronization: IsochronousSynchronizationType::NoSynchronization,
    usage: IsochronousUsageType::Data,
};

fn input(number: usize) -> EndpointAddress {
    EndpointAddress::from_parts(number, UsbDirection::In)
}

fn output(number: usize) -> EndpointAddress {
    EndpointAddress::from_parts(number, UsbDirection::Out)
}

/// As `UsbBus::new` makes it, or `UsbBus::with_isochronous`.
fn bus(chip: &Block, has_memory: bool) -> Controller<&Block> {
    let (engine, endpoints) = Engine::new(Usbd::new(chip), Box::leak(Box::default()));
    let memory = has_memory.then(|| &mut Box::leak(Box::<IsoBuffer>::default()).0[..]);
    Controller::new(engine, endpoints, memory)
}

/// The bus after a reset, with endpoint 0 and these. It has memory for isochronous packets.
fn opened<'a>(chip: &'a Block, endpoints: &[EndpointAddress]) -> Controller<&'a Block> {
    let mut bus = bus(chip, true);
    for address in [output(0), input(0)].iter().chain(endpoints) {
        let (kind, size) = match address.index() {
            0 => (EndpointType::Control, 64),
            8 => (ISOCHRONOUS, 511),
            _ => (EndpointType::Bulk, 64),
        };
        assert_eq!(allocate(&mut bus, *address, kind, size), Ok(*address));
    }
    bus.enable();
    bus.reset();
    chip.writes();
    bus
}

fn allocate(
    bus: &mut Controller<&Block>,
    address: EndpointAddress,
    kind: EndpointType,
    size: u16,
) -> Result<EndpointAddress> {
    bus.device.allocate(address.direction(), Some(address), kind, size)
}

/// A packet of the host's waits in OUT endpoint `number`, 1 to 7.
fn arrives(chip: &Block, number: u16, length: u32) {
    chip.set(map::size_epout(number), length);
    chip.raise(map::epdatastatus(), 1 << (16 + number));
}

/// The host has taken the packet of IN endpoint `number`, 1 to 7.
fn is_taken(chip: &Block, number: u16) {
    chip.raise(map::epdatastatus(), 1 << number);
}

/// The host sends SETUP.
fn asks(chip: &Block, setup: Setup) {
    for (offset, byte) in (map::bmrequesttype()..).step_by(4).zip(setup.to_bytes()) {
        chip.set(offset, byte.into());
    }
    chip.set(map::events_ep0setup(), 1);
}

/// The next frame begins. The last one has brought an isochronous packet of this length.
fn next_frame(chip: &Block, length: u32) {
    chip.set(map::framecntr(), (chip.get(map::framecntr()) + 1) % 2048);
    chip.set(map::size_isoout(), length);
}

/// `ep_out` and `ep_in_complete` of a `poll`.
fn told(bus: &mut Controller<&Block>) -> (u16, u16) {
    match bus.poll() {
        PollResult::Data { ep_out, ep_in_complete, .. } => (ep_out, ep_in_complete),
        PollResult::None => (0, 0),
        PollResult::Reset | PollResult::Suspend | PollResult::Resume => panic!("the bus as a whole does nothing"),
    }
}

fn read(bus: &mut Controller<&Block>, number: usize) -> Result<usize> {
    bus.read(output(number), &mut [0; 64])
}

/// The writes to one register since the log was read last.
fn writes_to(chip: &Block, register: u16) -> Vec<u32> {
    chip.own_writes().into_iter().filter_map(|(offset, value)| (offset == register).then_some(value)).collect()
}

/// Whether a data endpoint answers STALL.
fn is_halted(chip: &Block, address: EndpointAddress) -> bool {
    let number = u16::try_from(address.index()).expect("it is at most 15");
    chip.get(if address.is_in() { map::halted_epin(number) } else { map::halted_epout(number) }) != 0
}
