//! What a register access costs by the ways that a driver has to its registers.
//!
//! - `board`: it asks the board, as a driver of `dma-api` does: the baseline.
//! - `cell`: a cell of `vcell`, which a published driver has by svd2rust.
//! - `pointer`: a volatile access, which faults and is answered: with nothing patched.
//!
//! Each is a write of INTEN and a read. Runs are short: one keeps its choices.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dma_api::nrf52840::usbd::map;
use dma_api::registers::Registers;
use sim_core::device::usbd::address_of;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::stepped::{self, Bus};
use sim_core::explore::{Kind, ProgramOn};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::trace::Keep;
use vcell::VolatileCell;

/// How many rounds a run has at most.
const ROUNDS: u64 = 10_000;

#[derive(Clone, Copy, Debug)]
enum Way {
    Board,
    Cell,
    Pointer,
}

/// Writes and reads INTEN again and again.
struct Rounds {
    way: Way,
    count: u64,
    time: Cell<Duration>,
}

impl Rounds {
    fn measure(&self, board: &Bus) {
        let pointer = std::ptr::with_exposed_provenance_mut::<u32>(address_of(map::inten()) as usize);
        // SAFETY:
        // - Nothing is read or written through the reference: the chip of this thread answers.
        // - The address is not null, and a multiple of 4.
        let cell = unsafe { &*pointer.cast::<VolatileCell<u32>>() };
        let started = Instant::now();
        for round in 0..self.count {
            let value = u32::from(round % 2 == 0);
            let read = match self.way {
                Way::Board => {
                    // SAFETY:
                    // - INTEN starts no transfer.
                    unsafe { board.write(map::inten(), value) };
                    board.read(map::inten())
                }
                Way::Cell => {
                    cell.set(value);
                    cell.get()
                }
                Way::Pointer => {
                    // SAFETY:
                    // - It is a register's address, with nothing mapped there: the chip of this thread answers.
                    unsafe { pointer.write_volatile(value) };
                    // SAFETY:
                    // - As above.
                    unsafe { pointer.read_volatile() }
                }
            };
            assert_eq!(read, value);
        }
        self.time.set(started.elapsed());
    }
}

impl ProgramOn<Bus> for Rounds {
    fn name(&self) -> String {
        format!("rounds:{:?}", self.way)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, _soc: &mut Soc) {}

    fn firmware(&self, board: Bus) {
        in_ram(&board, || self.measure(&board));
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn in_ram(board: &Bus, firmware: impl FnOnce()) {
    use sim_core::explore::by_address::{Gaps, run};
    run(board, &Gaps::default(), firmware).expect("the chip's addresses are free");
}

/// Elsewhere nobody answers for addresses.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn in_ram(_board: &Bus, firmware: impl FnOnce()) {
    firmware();
}

fn time(way: Way, mut count: u64) -> Duration {
    let mut time = Duration::ZERO;
    while count > 0 {
        let program = Rounds { way, count: count.min(ROUNDS), time: Cell::default() };
        count -= program.count;
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), Some(Keep::Nothing));
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
        time += program.time.get();
    }
    time
}

fn register_access_by_address(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("register_access_by_address");
    // Accesses.
    group.throughput(Throughput::Elements(2));
    let ways = [("board", Way::Board), ("cell", Way::Cell), ("pointer", Way::Pointer)];
    let answered = if cfg!(all(target_os = "linux", target_arch = "x86_64")) { ways.len() } else { 1 };
    for (name, way) in ways.into_iter().take(answered) {
        group.bench_function(name, |bencher| bencher.iter_custom(|count| time(way, count)));
    }
}

criterion_group!(benches, register_access_by_address);
criterion_main!(benches);
