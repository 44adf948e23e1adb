//! A host that enumerates a device, as Linux does: from reset and power-up to SET_CONFIGURATION.
//!
//! The device is our own, on `Engine` and `Control`: a bulk pair and three strings.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use sim_core::check::loopback;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

/// One device, one enumeration.
#[derive(Debug, Default)]
struct Enumeration {
    /// Bit times on the wire.
    bits: Rc<Cell<u64>>,
}

impl Program for Enumeration {
    fn name(&self) -> String {
        "enumeration".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        loopback::serve(board);
    }

    fn host(&self, mut host: Host) -> Script {
        let bits = self.bits.clone();
        Box::pin(async move {
            host.enumerate(OperatingSystem::Linux, 5).await?;
            bits.set(host.clock().bit_times());
            Ok(())
        })
    }
}

/// Enumerations, from reset to end, everybody before the CPU.
pub fn enumerations(count: u64) -> Duration {
    let started = Instant::now();
    (0..count).for_each(|_| drop(enumerate()));
    started.elapsed()
}

/// What a wire takes for one, with the pauses that the host makes.
pub fn on_wire() -> Duration {
    const BITS_A_MICROSECOND: u64 = 12;
    Duration::from_micros(enumerate().bits.get() / BITS_A_MICROSECOND)
}

fn enumerate() -> Enumeration {
    let program = Enumeration::default();
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    program
}
