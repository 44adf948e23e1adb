//! What both directions need: a configured device, memory, a machine of one's choice.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::{Alignment, Options, Token};
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::machine::Fences;
use sim_core::soc::{Config, Soc};
use sim_core::statics;

/// The newest silicon, and the strictest reading of its datasheet: buffers and packets of whole words.
pub fn config(fences: Fences) -> Config {
    Config { options: Options { alignment: Alignment::Words, ..Options::default() }, fences, ..Config::default() }
}

/// A device that the host has just configured, with two isochronous buffers in each direction (erratum 166).
pub fn configure(soc: &mut Soc) {
    let line = Location::caller();
    connect(soc);
    soc.cpu_write(map::coreindex(), map::CORE_ISO, line);
    soc.cpu_write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED, line);
    soc.bus_reset();
    soc.cpu_write(map::events_usbreset(), 0, line);
    soc.transaction(0, 0, Token::Setup(Setup::set_configuration(1).to_bytes()));
}

/// Takes SET_CONFIGURATION, and nothing more: it is to be accepted when the endpoints are open.
pub fn begin<B: Board>(board: &B) -> (Engine<B>, Endpoints) {
    let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
    let event = endpoints.control.next_event(&mut engine);
    assert_eq!(event, Some(ControlEvent::Setup(Setup::set_configuration(1))));
    (engine, endpoints)
}

pub fn accept<B: Board>(engine: &mut Engine<B>, endpoints: &mut Endpoints) {
    endpoints.control.accept(engine).expect("nothing is on its way");
}

pub fn end<B: Board>(engine: Engine<B>, endpoints: Endpoints) {
    let (_, buffer) = engine.into_parts(endpoints);
    statics::give_back(buffer);
}

#[repr(C, align(4))]
struct Aligned<const N: usize>([u8; N]);

/// Memory for a packet, and a byte more than one has.
pub fn memory<const N: usize>() -> &'static mut [u8] {
    &mut Box::leak(Box::new(Aligned([0xFF; N]))).0
}

#[track_caller]
pub fn expect_every_schedule(program: &impl Program, expected: Kind) {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
    assert_eq!(exploration.verdict.kind(), expected, "{}: {}", program.name(), exploration.verdict);
}

/// The quickest schedule, a hundred random ones, and real threads.
#[track_caller]
pub fn expect_many_schedules(program: &(impl Program + Sync), expected: Kind) {
    let run = stepped::run(program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), expected, "{}: {}", program.name(), run.verdict);
    for seed in 0..100 {
        let run = stepped::run(program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), expected, "{}, seed {seed}: {}", program.name(), run.verdict);
    }
    for _ in 0..5 {
        let run = threads::run(program, None);
        assert_eq!(run.verdict.kind(), expected, "{}, threads: {}", program.name(), run.verdict);
    }
}
