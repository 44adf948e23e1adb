//! A device that the host has just configured, and whose firmware has yet to accept it.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::fence::DmaFence;
use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, Usbd, UsbdBlock, map};
use dma_api::registers::RegistersOf;
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::Token;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Kind, Program, stepped};
use sim_core::soc::Soc;
use sim_core::statics;

/// Powers the chip up, and has the host begin `setup` after a reset.
pub fn prepare(soc: &mut Soc, setup: Setup) {
    connect(soc);
    soc.bus_reset();
    soc.cpu_write(map::events_usbreset(), 0, Location::caller());
    soc.transaction(0, 0, Token::Setup(setup.to_bytes()));
}

/// Takes that SETUP, and nothing more.
pub fn begin<B: RegistersOf<UsbdBlock> + DmaFence>(bus: B, setup: Setup) -> (Engine<B>, Endpoints) {
    let (mut engine, mut endpoints) = Engine::new(Usbd::new(bus), statics::packet_buffer());
    let event = endpoints.control.next_event(&mut engine);
    assert_eq!(event, Some(ControlEvent::Setup(setup)));
    (engine, endpoints)
}

/// Gives the engine's buffer back.
pub fn end<B: RegistersOf<UsbdBlock> + DmaFence>(engine: Engine<B>, endpoints: Endpoints) {
    let (_, buffer) = engine.into_parts(endpoints);
    statics::give_back(buffer);
}

/// Runs `program` on the schedule that lets everybody else go first.
#[track_caller]
pub fn expect_sound_at_once(program: &impl Program) {
    let run = stepped::run(program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
}
