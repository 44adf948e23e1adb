//! What both directions need: a configured device, memory, a machine of one's choice.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{Endpoints, Engine, map};
use dma_api::usb::Setup;
use sim_core::device::usbd::{Alignment, Options};
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::machine::Fences;
use sim_core::soc::{Config, Soc};

use crate::configured;

/// The newest silicon, and the strictest reading of its datasheet: buffers and packets of whole words.
pub fn config(fences: Fences) -> Config {
    Config { options: Options { alignment: Alignment::Words, ..Options::default() }, fences, ..Config::default() }
}

/// A device that the host has just configured, with two isochronous buffers in each direction (erratum 166).
pub fn configure(soc: &mut Soc) {
    let line = Location::caller();
    configured::prepare(soc, Setup::set_configuration(1));
    soc.cpu_write(map::coreindex(), map::CORE_ISO, line);
    soc.cpu_write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED, line);
}

/// Takes SET_CONFIGURATION, and nothing more: it is to be accepted when the endpoints are open.
pub fn begin<B: Board>(board: &B) -> (Engine<B>, Endpoints) {
    configured::begin(board.clone(), Setup::set_configuration(1))
}

pub fn accept<B: Board>(engine: &mut Engine<B>, endpoints: &mut Endpoints) {
    endpoints.control.accept(engine).expect("nothing is on its way");
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
