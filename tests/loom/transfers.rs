//! Transfers of both chips under loom, on every machine.
//!
//! A row is a program, a machine and what its two fences are. loom judges it, and the vector clocks on every schedule
//! do: both must say *race* where a fence is not honoured, and *sound* where both are. So each row that is sound has
//! twins that are not.

use dma_api::registers::Registers;
use dma_api::stm32f103::dma::{Dma1, map};
use dma_api::stm32f103::usart::{Parity, Settings, Usart, Usart1};
use sim_core::check::needed::Needs;
use sim_core::check::programs::{Path, Transfer};
use sim_core::device::Chip;
use sim_core::explore::model::{self, Limits, Packets};
use sim_core::explore::{Board, Kind, Program, Verdict, stepped};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::monitor::Rule;
use sim_core::soc::Config;

#[test]
fn loom_and_all_schedules_judge_every_transfer_as_its_fences_say() {
    for path in Path::ALL {
        let mut executions = 0;
        for fences in Fences::all() {
            let row = Transfer::new(path, fences);
            let expected = if fences.suffice() { Kind::Sound } else { Kind::Race };
            let model = model::check(&row, Limits::default());
            assert_eq!(model.kind(), expected, "loom, {}: {model}", row.name());
            executions = executions.max(model.executions());
            let stepped = stepped::explore(&row, stepped::Limits::default()).verdict;
            assert_eq!(stepped.kind(), expected, "schedules, {}: {stepped}", row.name());
        }
        println!("{path:?}: {executions} executions at most");
    }
}

/// One fence after the other is too weak, where it stands, and all others are right.
#[test]
fn each_fence_of_each_transfer_is_needed_where_it_stands() {
    for needs in Path::ALL.map(Needs::of) {
        assert!(needs.fences.len() >= 2, "{needs:?}");
        for needed in &needs.fences {
            assert!(needed.is_as_expected(), "{}: {needed:?}", needs.path);
        }
        println!("{needs:?}");
    }
}

/// A channel that is stopped without the read that drains it.
#[derive(Clone, Copy, Debug)]
struct StopsByHand {
    drains: bool,
}

impl Program for StopsByHand {
    fn name(&self) -> String {
        format!("stops-by-hand:{}", self.drains)
    }

    fn config(&self) -> Config {
        Config { chip: Chip::Stm32f103, fences: Fences::right(Machine::CortexM7), ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let (_, rx) = Usart::<_, Usart1>::new(board.block(), Settings { brr: 0x271, parity: Parity::None }).split();
        let bytes = Box::leak(Box::new([0; 2]));
        let region = dma_api::address::Region {
            pointer: bytes.as_mut_ptr(),
            length: 2,
            direction: dma_api::address::Direction::DeviceToMemory,
        };
        // It is started, and forgotten: what follows is by hand.
        // SAFETY:
        // - The memory is leaked.
        let transfer = unsafe { rx.with_dma(channels.c5).read_exact_borrowed(bytes) }.expect("it is not refused");
        std::mem::forget(transfer);
        let dma = board.block::<Dma1>();
        // SAFETY:
        // - It starts no transfer: EN=0.
        unsafe { dma.write(map::ccr(4), 0) };
        if self.drains {
            dma.read(map::ccr(4));
        }
        // SAFETY: MUTANT
        // - It was released. If nobody has drained the channel, an item may be in flight: the board closes its window.
        unsafe { board.acquire(region) };
    }

    fn host(&self, _: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

impl Packets for StopsByHand {
    fn packets(&self) -> usize {
        1
    }
}

#[test]
fn stop_that_does_not_drain_is_a_race() {
    let verdict = model::check(&StopsByHand { drains: true }, Limits::default());
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    let verdict = model::check(&StopsByHand { drains: false }, Limits::default());
    assert!(
        matches!(verdict.kind(), Kind::Race | Kind::Violation(Rule::AcquiredInFlight)),
        "nobody has waited for the item: {verdict}"
    );
}

#[test]
fn verdicts_are_of_complete_executions() {
    for path in Path::ALL {
        let row = Transfer::new(path, Fences::right(Machine::CortexM7));
        let Verdict::Sound { complete, .. } = model::check(&row, Limits::default()) else { panic!("{path:?}") };
        assert!(complete > 0, "{path:?}");
    }
}
