//! The whole system by hand: what it goes through before the firmware starts.
//!
//! Any register, at any address, and any step that an explorer may take when it likes. Steps that have their time (a
//! peripheral that powers up, a frame on its way) are taken when it has come, as an explorer does.

use std::panic::Location;

use dma_api::address::BusAddress;
use sim_core::check::programs;
use sim_core::device::Chip;
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::device::usbd::{Packet, Token, offset_of};
use sim_core::soc::Soc;

use super::values::{address, value};
use crate::fuzz::input::Input;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The CPU reads a register, at this address.
    Read(u32),
    /// The CPU writes a register.
    Write(u32, u32),
    /// The CPU reads a byte of simulated RAM.
    Load(u32),
    /// The CPU writes one.
    Store(u32, u8),
    /// A fence: of `release`, or (`true`) of `acquire`.
    Fence(bool),
    /// Whatever powers up has done so.
    Power,
    /// The engine moves a word, or ends its transfer; so many times.
    Engine(u8),
    /// A DMA controller reads an item, or writes it.
    Dma(u8),
    /// A frame is over the wire, and (`true`) the peer takes it.
    Wire(u8, bool),
    /// A token: address, endpoint.
    Token(u8, u8, Token),
    /// The host resets the bus.
    Reset,
    /// A frame begins, with this number.
    StartOfFrame(u16),
    /// An isochronous packet from the device.
    IsochronousIn,
    /// An isochronous packet to the device: so many bytes; intact.
    IsochronousOut(u16, bool),
    /// The bus is suspended, or (`true`) resumed.
    Suspend(bool),
    /// The cable is pulled, or (`true`) plugged in.
    Plug(bool),
    /// The peer of a USART sends a frame.
    Send(u8, u16, Option<FrameError>),
    /// The peer lets the line idle.
    Idle(u8),
    /// A peripheral that is not modelled asks a channel for items, or (`true`) stops that.
    Request(u8, u8, bool),
    /// A device that is powered up and connected, as our programs have it.
    Connected,
}

/// What the next bytes say.
pub fn step(input: &mut Input<'_>, chip: Chip) -> Step {
    let kind = input.byte() % 20;
    match (kind, chip) {
        (0..=2, _) => Step::Read(address(input, chip)),
        (3..=7, _) => Step::Write(address(input, chip), value(input, chip)),
        (8, _) => Step::Load(value(input, chip)),
        (9, _) => Step::Store(value(input, chip), input.byte()),
        (10, _) => Step::Fence(input.byte() % 2 == 1),
        (11.., Chip::Nrf52840) => nrf52840_step(input, kind),
        (11.., Chip::Stm32f103) => stm32f103_step(input, kind),
    }
}

fn nrf52840_step(input: &mut Input<'_>, kind: u8) -> Step {
    match kind {
        11 => Step::Power,
        12 => Step::Engine(input.byte() % 20),
        13 => Step::Token(input.byte() & 0x7F, input.byte() & 0x0F, Token::Setup(input.array())),
        14 => Step::Token(input.byte() & 0x7F, input.byte() & 0x0F, Token::In),
        15 => {
            let [address, endpoint, toggle, length] = input.array();
            let packet = Packet::new(&vec![endpoint; usize::from(length % 65)]);
            Step::Token(address & 0x7F, endpoint & 0x0F, Token::Out { data1: toggle % 2 == 1, packet })
        }
        16 => Step::Reset,
        17 => Step::StartOfFrame(input.half_word() & 0x07FF),
        18 => input.one_of(&[
            Step::IsochronousIn,
            Step::Suspend(false),
            Step::Suspend(true),
            Step::Plug(false),
            Step::Plug(true),
            Step::IsochronousOut(12, false),
            Step::IsochronousOut(300, true),
            Step::IsochronousOut(1023, true),
        ]),
        _ => Step::Connected,
    }
}

fn stm32f103_step(input: &mut Input<'_>, kind: u8) -> Step {
    let errors = [None, Some(FrameError::Parity), Some(FrameError::Framing), Some(FrameError::Noise)];
    match kind {
        11..=13 => Step::Dma(input.byte() % 2),
        14 => Step::Wire(input.byte() % 3, input.byte() % 2 == 1),
        15 | 16 => Step::Send(input.byte() % 3, input.half_word(), input.one_of(&errors)),
        17 => Step::Idle(input.byte() % 3),
        _ => {
            let [controller, channel, off] = input.array();
            let channels = if controller % 2 == 0 { 7 } else { 5 };
            Step::Request(controller % 2, channel % channels, off % 2 == 1)
        }
    }
}

/// Takes the step.
pub fn take(soc: &mut Soc, step: &Step) {
    let line = Location::caller();
    match *step {
        Step::Read(address) => {
            match offset_of(address) {
                Some(offset) => soc.cpu_read(offset, line),
                None => soc.cpu_peek(address, line),
            };
        }
        Step::Write(address, value) => match offset_of(address) {
            Some(offset) => soc.cpu_write(offset, value, line),
            None => soc.cpu_poke(address, value, line),
        },
        Step::Load(address) => drop(soc.load(BusAddress::new(address), line)),
        Step::Store(address, value) => soc.store(BusAddress::new(address), value, line),
        Step::Fence(false) => soc.release_fence(),
        Step::Fence(true) => soc.acquire_fence(),
        Step::Power => {
            if soc.usbd().is_powering_up() {
                soc.power_up_done();
            }
            let steps: Vec<_> = soc.supply_steps().collect();
            steps.into_iter().for_each(|step| soc.supply_step(step));
        }
        Step::Engine(steps) => (0..steps).for_each(|_| soc.engine_step()),
        Step::Dma(controller) => soc.dma_step(controller),
        Step::Wire(usart, is_taken) => {
            soc.wire_step(usart);
            if is_taken {
                soc.serial_receive(usart.into());
            }
        }
        Step::Connected => programs::connect(soc),
        _ => on_the_wire(soc, step),
    }
}

fn on_the_wire(soc: &mut Soc, step: &Step) {
    match *step {
        Step::Token(address, endpoint, token) => drop(soc.transaction(address, endpoint, token)),
        Step::Reset => soc.bus_reset(),
        Step::StartOfFrame(frame) => soc.start_of_frame(frame),
        Step::IsochronousIn => drop(soc.iso_in(0)),
        Step::IsochronousOut(length, is_intact) => soc.iso_out(0, &vec![0x5A; length.into()], is_intact),
        Step::Suspend(false) => soc.suspend(),
        Step::Suspend(true) => soc.resume(),
        Step::Plug(is_in) => soc.plug(is_in),
        Step::Send(usart, frame, error) => soc.serial_send(usart.into(), frame, error),
        Step::Idle(usart) => soc.serial_idle(usart.into()),
        Step::Request(controller, channel, is_off) => {
            soc.set_other_request(controller.into(), channel.into(), !is_off);
        }
        _ => unreachable!("{step:?} is not on the wire"),
    }
}
