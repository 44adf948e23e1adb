//! What a run keeps on the heap, counted by the allocator.
//!
//! A run with a host stays below [`MOST`]. A million transfers leave the heap where it was: driven by hand in one
//! system, for each chip; or by our drivers, half of them on each chip, in a thousand runs under `stepped` (a run keeps
//! its choices, and a million of them is its end). On real threads, which keep none, it is one run, of [`TWIN`]. Each
//! measure has a twin that it finds to be too much.
//!
//! The count is the process's, so the tests take turns. What the test harness has besides is below [`HARNESS`].

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;
use sim_core::check::programs::{Echo, Exchange};
use sim_core::device::Chip;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::{Kind, Program, stepped, threads};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::trace::Keep;

mod by_hand;
mod transfers;

use transfers::Transfers;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The most that a run with a host may keep at once, in bytes: 1 MiB.
const MOST: usize = 1 << 20;

/// What the harness may allocate meanwhile, in bytes: a name, a message.
const HARNESS: usize = 16 << 10;

/// How many transfers a run has under `stepped`.
const RUN: usize = 1000;

/// A million.
const MILLION: usize = 1_000_000;

/// How many transfers a run has on threads, and how many a twin that leaks 16 bytes each needs to be seen.
const TWIN: usize = 5000;

/// This test's turn.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes that there are at once while `f` runs, beyond those that there were before.
fn peak_of(f: impl FnOnce()) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    f();
    HEAP.peak_usage().saturating_sub(before)
}

/// How many bytes more there are after `f` than before.
fn growth_of(f: impl FnOnce()) -> usize {
    let before = HEAP.current_usage();
    f();
    HEAP.current_usage().saturating_sub(before)
}

fn run_stepped(program: &impl Program, keep: Keep) {
    let verdict = stepped::run(program, &Rc::new(RefCell::new(Immediate)), Some(keep)).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{}: {verdict}", program.name());
}

#[test]
fn run_with_a_host_stays_below_a_mebibyte() {
    let _turn = turn();
    for system in OperatingSystem::ALL {
        let peak = peak_of(|| run_stepped(&Echo::new(system, 1000), Keep::Nothing));
        println!("{system} enumerates, 1000 bytes come back: {peak} bytes");
        assert!(peak < MOST, "{system}: {peak} bytes");
    }
    for seed in 0..20 {
        let peak = peak_of(|| {
            let scheduler = Rc::new(RefCell::new(Seeded::new(seed)));
            let verdict = stepped::run(&Exchange::new(1000), &scheduler, None).verdict;
            assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
        });
        assert!(peak < MOST, "an exchange of 1000 bytes, seed {seed}: {peak} bytes");
    }
    for chip in [Chip::Nrf52840, Chip::Stm32f103] {
        let peak = peak_of(|| run_stepped(&Transfers::new(chip, RUN), Keep::Nothing));
        println!("{chip:?}, {RUN} transfers: {peak} bytes");
        assert!(peak < MOST, "{chip:?}: {peak} bytes");
    }
}

#[test]
fn trace_of_a_long_run_is_seen_to_be_more_than_a_mebibyte() {
    let _turn = turn();
    for chip in [Chip::Nrf52840, Chip::Stm32f103] {
        let peak = peak_of(|| run_stepped(&Transfers::new(chip, 2 * RUN), Keep::Order));
        assert!(peak > MOST, "{chip:?}: {peak} bytes are all that is kept of {} transfers", 2 * RUN);
    }
}

#[test]
fn million_transfers_of_one_system_leave_the_heap_where_it_was() {
    let _turn = turn();
    for (name, growth) in [("USBD", by_hand::usbd(MILLION)), ("DMA1", by_hand::dma1(MILLION))] {
        println!("{name}: {growth} bytes");
        assert!(growth < HARNESS, "{name}: {growth} bytes more after a million transfers than after a thousand");
    }
}

/// Runs of a thousand transfers each; the first is none of the measure.
fn growth_of_runs(program: &Transfers, transfers: usize) -> usize {
    run_stepped(program, Keep::Nothing);
    growth_of(|| (0..transfers / RUN).for_each(|_| run_stepped(program, Keep::Nothing)))
}

#[test]
fn million_transfers_of_our_drivers_leave_the_heap_where_it_was() {
    let _turn = turn();
    for chip in [Chip::Nrf52840, Chip::Stm32f103] {
        let growth = growth_of_runs(&Transfers::new(chip, RUN), MILLION / 2);
        println!("{chip:?}: {growth} bytes");
        assert!(growth < HARNESS, "{chip:?}: {growth} bytes more after half a million transfers");
    }
}

#[test]
fn driver_that_leaks_some_bytes_each_time_is_seen() {
    let _turn = turn();
    for chip in [Chip::Nrf52840, Chip::Stm32f103] {
        let growth = growth_of_runs(&Transfers::new(chip, RUN).leaking(), TWIN);
        assert!(growth > HARNESS, "{chip:?}: {growth} bytes, and 16 were leaked {TWIN} times");
    }
}

/// One run on threads. What there is after the first thousand is none of the measure.
fn growth_on_threads(program: &Transfers) -> usize {
    let verdict = threads::run(program, None).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    program.growth()
}

#[test]
fn long_run_on_threads_leaves_the_heap_where_it_was() {
    let _turn = turn();
    for chip in [Chip::Nrf52840, Chip::Stm32f103] {
        let growth = growth_on_threads(&Transfers::new(chip, TWIN));
        println!("{chip:?}: {growth} bytes");
        assert!(growth < HARNESS, "{chip:?}: {growth} bytes more after {TWIN} transfers than after {RUN}");
        let growth = growth_on_threads(&Transfers::new(chip, TWIN).leaking());
        assert!(growth > HARNESS, "{chip:?}: {growth} bytes, and 16 were leaked {TWIN} times");
    }
}
