//! The property: a case on the emulated chip, on its schedule, judged.
//!
//! What must hold, for every sequence of operations that the [`reference`](mod@crate::serial::reference) allows, every
//! peer, every schedule:
//!
//! - a start is refused exactly if its length says so, or something has gone wrong on the line before it;
//! - the peer gets what was [sent](crate::serial::sending), the firmware what the peer has
//!   [sent](crate::serial::receiving): in order, nothing twice, nothing missing that nobody is told of;
//! - an error is told exactly if there was one;
//! - the CPU's buffers, and the red zones of all, are written by nobody but the CPU;
//! - the monitor has nothing to report: no race, no rule broken;
//! - the run ends, and what was not lost works once more.
//!
//! *Unspecified; we chose*: a USART that is taken anew in the middle of a frame sends that to its end. The rule that
//! reports it (`DisabledWhileSending`) is left to silicon here: to lose a sender with a transfer and to take it anew is
//! this suite's business, and no firmware can do it in safe code.

use std::rc::Rc;

use sim_core::device::Chip;
use sim_core::explore::replay::ReplayError;
use sim_core::explore::{Board, Program, Verdict};
use sim_core::host::{Host, Script};
use sim_core::monitor::{Policies, Policy, Rule};
use sim_core::soc::{Config, Soc};

use crate::serial::firmware::Firmware;
use crate::serial::operations::Case;
use crate::serial::peer::Peer;
use crate::serial::record::Record;
use crate::serial::twin::Twin;
use crate::trial::{self, Trial};

pub use crate::trial::Failure;

/// Bytes of simulated RAM: as many as the longest buffer has.
const RAM: usize = 16;

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
    /// How many frames the firmware has received.
    pub frames: usize,
}

impl Property {
    fn new(case: Case, twin: Option<Twin>) -> Self {
        Self { case, twin, record: Rc::default() }
    }
}

impl Trial for Property {
    type Report = Report;

    const MODULE: &'static str = "serial::property";

    const FORM: &'static str = "serial:..";

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
                let frames = self.record.receiving.borrow().frames();
                Ok(Report { cells: self.record.cells.take(), frames })
            }
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
        let policies = Policies::default().with(Rule::DisabledWhileSending, Policy::Silicon);
        Config { chip: Chip::Stm32f103, fences, policies, ram: RAM, ..Config::default() }
    }

    /// Nothing is left of a run before.
    fn prepare(&self, soc: &mut Soc) {
        self.record.clear();
        self.record.ram.set(soc.allocate(RAM).get());
    }

    fn firmware<B: Board>(&self, board: B) {
        Firmware::new(board, self.twin, self.record.clone()).run(&self.case.cpu);
    }

    fn host(&self, host: Host) -> Script {
        let (operations, peer) = (self.case.peer.clone(), Peer::new(host, self.record.clone(), self.twin));
        Box::pin(async move { peer.run(&operations).await })
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
