//! The whole controller: enumeration by three hosts, bulk packets, every schedule.

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::check::programs::Echo;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::{Kind, Program, stepped, threads};
use sim_core::host::enumerate::OperatingSystem;

mod beside;
mod bulk;
mod cache;
mod classes;
mod configured;
mod contents;
mod control;
mod hosts;
mod iso;
mod leftovers;
mod numbers;
mod out_of_ram;
mod owned;
mod policies;
mod quirks;
mod refusals;
mod reopened;
mod rules;
mod simulated_ram;
mod suspend;

#[test]
fn loopback_device_is_enumerated_and_echoes_on_many_schedules() {
    for system in OperatingSystem::ALL {
        let program = Echo::new(system, 130);
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}: {}", program.name(), run.verdict);
        for seed in 0..100 {
            let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{}, seed {seed}: {}", program.name(), run.verdict);
        }
        for _ in 0..5 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{}, threads: {}", program.name(), run.verdict);
        }
    }
}
