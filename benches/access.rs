//! Accesses to a register: by a driver on a board, to the chip alone, and to memory.

use std::hint::black_box;
use std::panic::Location;
use std::time::Duration;

use dma_api::nrf52840::usbd::{Usbd, map};
use sim_core::explore::{Board, Program};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};

use crate::{Stopwatch, Timed, repeat};

/// Writes, each with a read behind it: a read that finds nothing new is a poll that waits.
#[derive(Debug)]
pub struct Accesses {
    pairs: u64,
    stopwatch: Stopwatch,
}

impl Accesses {
    /// So many times a write and a read.
    pub fn new(pairs: u64) -> Self {
        Self { pairs, stopwatch: Stopwatch::default() }
    }
}

impl Timed for Accesses {
    fn stopwatch(&self) -> &Stopwatch {
        &self.stopwatch
    }
}

impl Program for Accesses {
    fn name(&self) -> String {
        "accesses".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let usbd = Usbd::new(board);
        self.stopwatch.measure(|| {
            for _ in 0..self.pairs {
                usbd.listen(1);
                black_box(usbd.take_epdata());
            }
        });
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

/// The same on the chip, without an explorer.
pub fn of_chip(pairs: u64) -> Duration {
    let (mut soc, line) = (Soc::new(Config::default()), Location::caller());
    repeat(pairs, || {
        soc.cpu_write(map::intenset(), black_box(1), line);
        black_box(soc.cpu_read(map::events_epdata(), line));
    })
}

/// The same to memory: what hardware gives to a host.
pub fn of_memory(pairs: u64) -> Duration {
    let (mut written, read) = (0, 0);
    repeat(pairs, || {
        *black_box(&mut written) = black_box(1);
        black_box(*black_box(&read));
    })
}
