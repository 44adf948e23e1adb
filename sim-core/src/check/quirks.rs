//! Which path is sound on a bus that posts writes, and with a device whose flags come early.
//!
//! Each path runs on every schedule, with the fences of dma-api on a Cortex-M4, once with each quirk. What is expected:
//!
//! | quirk | a path in which the DMA reads memory | one in which it writes memory |
//! |---|---|---|
//! | posted writes | sound | sound: `stop` reads CCR back |
//! | flag before data | sound: nothing is late | caught |
//! | flag before data, until a read | sound | caught; but sound if it is stopped at once: `stop` reads CCR back |
//!
//! So no driver of dma-api relies on more than a bus promises; and those that wait for a flag trust it.

use std::time::{Duration, Instant};

use super::programs::{Path, Transfer};
use crate::explore::{Board, Kind, Program, stepped};
use crate::host::{Host, Script};
use crate::machine::{Fences, Machine};
use crate::monitor::Rule;
use crate::quirks::{Completion, Quirks};
use crate::soc::{Config, Soc};

/// A program on a system with quirks.
///
/// See [`Tried`] for an example.
#[derive(Clone, Debug)]
pub struct Quirky<P> {
    /// The program.
    pub program: P,
    /// The quirks.
    pub quirks: Quirks,
}

impl<P: Program> Program for Quirky<P> {
    fn name(&self) -> String {
        format!("{:?}-{:?}:{}", self.quirks.writes, self.quirks.completion, self.program.name())
    }

    fn config(&self) -> Config {
        Config { quirks: self.quirks, ..self.program.config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.program.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.program.firmware(board);
    }

    fn host(&self, host: Host) -> Script {
        self.program.host(host)
    }
}

/// A path with a quirk, on every schedule.
///
/// ```
/// # use sim_core::check::programs::Path;
/// # use sim_core::check::quirks::Tried;
/// # use sim_core::explore::Kind;
/// # use sim_core::monitor::Rule;
/// # use sim_core::quirks::{Completion, Quirks};
/// let quirks = Quirks { completion: Completion::BeforeData, ..Quirks::default() };
/// let tried = Tried::check(Path::EpOut, quirks);
/// assert_eq!(tried.expected, Kind::Violation(Rule::AcquiredInFlight));
/// assert!(tried.is_as_expected());
/// ```
#[derive(Clone, Debug)]
pub struct Tried {
    /// The path.
    pub path: Path,
    /// The quirk.
    pub quirks: Quirks,
    /// What is expected.
    pub expected: Kind,
    /// What was found.
    pub exploration: stepped::Exploration,
    /// How long it took.
    pub time: Duration,
}

impl Tried {
    /// Explores `path` with `quirks`.
    pub fn check(path: Path, quirks: Quirks) -> Self {
        let program = Quirky { program: Transfer::new(path, Fences::right(Machine::CortexM4)), quirks };
        let started = Instant::now();
        let exploration = stepped::explore(&program, stepped::Limits::default());
        Self { path, quirks, expected: expected(path, quirks), exploration, time: started.elapsed() }
    }

    /// Whether it was found to be what it should.
    pub fn is_as_expected(&self) -> bool {
        self.exploration.verdict.kind() == self.expected
    }
}

fn expected(path: Path, quirks: Quirks) -> Kind {
    let is_stopped = matches!(path, Path::Stops | Path::Drops);
    match quirks.completion {
        Completion::AfterData => Kind::Sound,
        Completion::BeforeDataUntilRead if is_stopped => Kind::Sound,
        // What is copied while the DMA goes on is looked at; what is taken back is not.
        _ if path == Path::Circular => Kind::Violation(Rule::CpuAccessInFlight),
        _ if path.fills_memory() => Kind::Violation(Rule::AcquiredInFlight),
        _ => Kind::Sound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_each_quirk_are_what_they_should_be() {
        for quirks in Quirks::EACH {
            for path in Path::ALL {
                let tried = Tried::check(path, quirks);
                println!("{path:22} {quirks:32} {:?} {}", tried.time, tried.exploration);
                assert!(tried.is_as_expected(), "{path}, {quirks}: {}", tried.exploration);
            }
        }
    }
}
