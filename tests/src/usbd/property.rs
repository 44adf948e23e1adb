//! The property: a case on the emulated chip, on its schedule, judged.
//!
//! What must hold, for every sequence of operations that the [`Reference`](crate::usbd::operations::Reference) allows,
//! every host, every schedule, with and without faults on the wire:
//!
//! - a transfer is refused for a reason that is there: too long, too short, closed, busy, empty;
//! - [packets](crate::usbd::packets) come in order, whole, none twice, none missing that had to come;
//! - the CPU's buffers, what is sent, and the red zones of all, are written by nobody else;
//! - [isochronous](crate::usbd::isochronous) packets come in order, whole, none twice, and in their frame;
//! - the monitor has nothing to report: no race, no rule broken;
//! - the run ends, and what was not lost works once more.
//!
//! A frame that begins between `IsoOut`'s look at its packet and the START takes that packet away. The rule that
//! reports it (`StartWithoutPacket`) is left to silicon here: the driver cannot prevent it, and documents it. What
//! silicon moves then is a packet of before, and must not be handed out: that is seen, of bulk packets as well.

use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;
use sim_core::check::programs::connect;
use sim_core::explore::replay::ReplayError;
use sim_core::explore::{Board, Program, Verdict};
use sim_core::host::{Faults, Host, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};

use crate::trial::{self, Trial};
use crate::usbd::firmware::Firmware;
use crate::usbd::host::Driver;
use crate::usbd::operations::Case;
use crate::usbd::record::Record;
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
    /// How many packets have come: bulk, isochronous; of each, to host and firmware.
    pub packets: [[usize; 2]; 2],
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
            Verdict::Sound { .. } => Ok(Report { cells: self.record.cells.take(), packets: self.record.counts() }),
            verdict => Err(Box::new(verdict)),
        }
    }
}

impl Program for Property {
    fn name(&self) -> String {
        trial::join_twin(&self.case.name(), self.twin)
    }

    fn config(&self) -> Config {
        let fences = trial::fences(self.case.machine, self.twin == Some(Twin::WeakFences));
        let faults = match self.twin {
            Some(Twin::WireLosesPacket) => Faults { wrong_toggles: 1, ..Faults::default() },
            _ => self.case.noise.faults(),
        };
        let policies = Policies::default().with(Rule::StartWithoutPacket, Policy::Silicon);
        Config { fences, faults, policies, ..Config::default() }
    }

    /// The chip is powered up and connected, and has two isochronous buffers in each direction (erratum 166). Nothing
    /// is left of a run before.
    fn prepare(&self, soc: &mut Soc) {
        self.record.clear();
        connect(soc);
        let line = Location::caller();
        soc.cpu_write(map::coreindex(), map::CORE_ISO, line);
        soc.cpu_write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED, line);
    }

    fn firmware<B: Board>(&self, board: B) {
        Firmware::new(board, self.twin, self.case.noise, self.record.clone()).run(&self.case.cpu);
    }

    fn host(&self, host: Host) -> Script {
        let driver = Driver::new(host, self.record.clone(), self.case.noise, self.twin);
        let operations = self.case.host.clone();
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
