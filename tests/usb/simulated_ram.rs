//! The CPU's own accesses to a buffer, judged under each explorer.

use dma_api::address::BusAddress;
use dma_api::nrf52840::usbd::map;
use sim_core::check::programs::begin_control_read;
use sim_core::device::usbd::Options;
use sim_core::explore::model::{self, Packets};
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};

/// What the driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    NoReleaseFence,
    NoAcquireFence,
    WritesInFlight,
}

/// Fills a buffer, sends it, and fills it again.
#[derive(Clone, Debug)]
struct Fills {
    mistake: Mistake,
    machine: Machine,
    policies: Policies,
}

const BUFFER: u32 = 0x2000_0000;

impl Program for Fills {
    fn name(&self) -> String {
        format!("fills:{:?}:{}", self.mistake, self.machine)
    }

    fn config(&self) -> Config {
        let Self { machine, policies, .. } = *self;
        Config { options: Options::ideal(), fences: Fences::right(machine), policies, ram: 8, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        assert_eq!(soc.allocate(8), BusAddress::new(BUFFER));
    }

    fn firmware<B: Board>(&self, board: B) {
        let fill = |value| (BUFFER..BUFFER + 8).for_each(|address| board.store(BusAddress::new(address), value));
        fill(7);
        if self.mistake != Mistake::NoReleaseFence {
            board.release_fence();
        }
        for (offset, value) in [(map::epin_ptr(0), BUFFER), (map::epin_maxcnt(0), 8), (map::tasks_startepin(0), 1)] {
            // SAFETY:
            // - The transfer reaches simulated RAM only.
            unsafe { board.write(offset, value) };
        }
        if self.mistake == Mistake::WritesInFlight {
            fill(9);
        }
        while board.read(map::events_endepin(0)) == 0 {}
        if self.mistake != Mistake::NoAcquireFence {
            board.acquire_fence();
        }
        fill(9);
        assert_eq!(board.load(BusAddress::new(BUFFER)), 9);
        assert_eq!(board.load(BusAddress::new(BUFFER + 8)), 0, "there is no more RAM");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            match host.packet_in(true).await?.bytes() {
                [7, 7, 7, 7, 7, 7, 7, 7] => Ok(()),
                other => Err(HostError::Unexpected(format!("{other:?}"))),
            }
        })
    }
}

impl Packets for Fills {
    fn packets(&self) -> usize {
        1
    }
}

#[test]
fn fences_of_simulated_ram_are_judged_under_each_explorer() {
    for machine in Machine::ALL {
        for (mistake, expected) in
            [(Mistake::None, Kind::Sound), (Mistake::NoReleaseFence, Kind::Race), (Mistake::NoAcquireFence, Kind::Race)]
        {
            let program = Fills { mistake, machine, policies: Policies::default() };
            let model = model::check(&program, model::Limits::default());
            let stepped = stepped::explore(&program, stepped::Limits::default()).verdict;
            let threads = threads::run(&program, None).verdict;
            for verdict in [model, stepped, threads] {
                assert_eq!(verdict.kind(), expected, "{}: {verdict}", program.name());
            }
        }
    }
}

#[test]
fn write_in_flight_is_named_in_the_model_and_stepped_and_a_race_where_nobody_names_it() {
    let mistake = Mistake::WritesInFlight;
    let rule = Rule::CpuAccessInFlight;
    for (policy, expected) in [(Policy::Stop, Kind::Violation(rule)), (Policy::Silicon, Kind::Race)] {
        let program = Fills { mistake, machine: Machine::CortexM4, policies: Policies::default().with(rule, policy) };
        let model = model::check(&program, model::Limits::default());
        let stepped = stepped::explore(&program, stepped::Limits::default()).verdict;
        for verdict in [model, stepped] {
            assert_eq!(verdict.kind(), expected, "{policy:?}: {verdict}");
        }
    }
}

#[test]
fn packet_that_is_written_in_flight_is_torn_where_no_rule_is_in_the_way() {
    let policies = Policy::Silicon.into();
    let program = Fills { mistake: Mistake::WritesInFlight, machine: Machine::CortexM4, policies };
    let verdict = stepped::explore(&program, stepped::Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
    assert!(verdict.to_string().contains("[9, "), "{verdict}");
}
