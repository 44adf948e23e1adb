//! The property: a case on the emulated chip, on its schedule, judged.
//!
//! What must hold, for every sequence of operations that the [`Reference`](crate::usbd::operations::Reference) allows,
//! every host, every schedule, with and without faults on the wire:
//!
//! - a transfer is refused for a reason that is there: too long, too short, closed, busy, empty;
//! - [packets](crate::usbd::packets) come in order, whole, none twice, none missing that had to come;
//! - the CPU's buffers, what is sent, and the red zones of all, are written by nobody else;
//! - the monitor has nothing to report: no race, no rule broken;
//! - the run ends, and what was not lost works once more.

use std::rc::Rc;

use sim_core::check::programs::connect;
use sim_core::explore::replay::ReplayError;
use sim_core::explore::{Board, Program, Verdict};
use sim_core::host::{Faults, Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::soc::{Config, Soc};

use crate::trial::{self, Trial};
use crate::usbd::firmware::{Firmware, Record};
use crate::usbd::host::Driver;
use crate::usbd::operations::Case;
use crate::usbd::twin::Twin;

pub use crate::trial::Failure;

/// A case as a program, for one run.
#[derive(Debug)]
struct Property {
    case: Case,
    twin: Option<Twin>,
    record: Rc<Record>,
}

/// A run in which the property held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What came of the operations, and in which states.
    pub cells: Vec<String>,
    /// How many packets have come, to host and firmware.
    pub packets: [usize; 2],
}

impl Property {
    fn new(case: Case, twin: Option<Twin>) -> Self {
        Self { case, twin, record: Rc::default() }
    }
}

impl Trial for Property {
    type Report = Report;

    const MODULE: &'static str = "usbd::property";

    const FORM: &'static str = "usbd:..";

    fn schedule(&self) -> u32 {
        self.case.schedule
    }

    fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let (case, twin) = trial::split_twin(name, &Twin::ALL);
        Some(Self::new(Case::by_name(&case, schedule)?, twin))
    }

    fn judge(&self, verdict: Verdict) -> Result<Report, Box<Verdict>> {
        match verdict {
            Verdict::Sound { .. } => {
                let packets = [&self.record.to_host, &self.record.from_host].map(|pipe| pipe.borrow().count());
                Ok(Report { cells: self.record.cells.take(), packets })
            }
            verdict => Err(Box::new(verdict)),
        }
    }
}

impl Program for Property {
    fn name(&self) -> String {
        let twin = self.twin.map_or_else(String::new, |twin| format!(":{twin}"));
        format!("{}{twin}", self.case.name())
    }

    fn config(&self) -> Config {
        let fences = match self.twin {
            Some(Twin::WeakFences) => {
                Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Compiler }
            }
            _ => Fences::right(self.case.machine),
        };
        let faults = match self.twin {
            Some(Twin::WireLosesPacket) => Faults { wrong_toggles: 1, ..Faults::default() },
            _ => self.case.noise.faults(),
        };
        Config { fences, faults, ..Config::default() }
    }

    /// The chip is powered up and connected. Nothing is left of a run before.
    fn prepare(&self, soc: &mut Soc) {
        self.record.clear();
        connect(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        Firmware::new(board, self.twin, self.record.clone()).run(&self.case.cpu);
    }

    fn host(&self, host: Host) -> Script {
        let (operations, driver) = (self.case.host.clone(), Driver::new(host, self.record.clone()));
        Box::pin(async move { driver.run(&operations).await })
    }
}

/// Runs a case, or a twin of it.
///
/// # Errors
///
/// The property does not hold.
pub fn run(case: &Case, twin: Option<Twin>) -> Result<Report, Failure> {
    trial::run(&Property::new(case.clone(), twin))
}

/// Runs what has this name on this schedule, and panics if the property does not hold: the body of a test.
///
/// # Panics
///
/// With the failure, or because nothing has this name.
pub fn hold(name: &str, schedule: u32) -> Report {
    trial::hold::<Property>(name, schedule)
}

/// Runs again what a replay string says, twin included.
///
/// # Errors
///
/// The string brings nothing back. The inner result is that of [`run`].
pub fn replay(text: &str) -> Result<Result<Report, Failure>, ReplayError> {
    trial::replay::<Property>(text)
}
