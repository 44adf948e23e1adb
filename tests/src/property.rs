//! The property: a case on the emulated chip, on its schedule, judged.
//!
//! What must hold, for every sequence of calls of `Ep0In`'s safe API, every host, every schedule:
//!
//! - each call returns what the [`reference`](mod@crate::reference) allows;
//! - the host is answered what the [`conversation`](crate::conversation) allows; each packet has the bytes of the last
//!   start;
//! - the monitor has nothing to report: no race, no rule broken. The exceptions have names: [`Hazard`];
//! - after the last call the endpoint is free within finitely many polls, can start again, and gives its buffer back.

use std::rc::Rc;

use dma_api::nrf52840::usbd::EndError;
use sim_core::check::programs::connect;
use sim_core::device::usbd::{EndOnReset, Options, Packet, Token};
use sim_core::explore::replay::ReplayError;
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Program, Verdict};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use crate::conversation::{Hazard, HostEvent};
use crate::firmware::{Firmware, Record};
use crate::operations::{Case, HostOperation};
use crate::reference::Reference;
use crate::sabotage::{Sabotaged, Twin};
use crate::trial::{self, Trial};

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
    /// The run was ended by a broken rule that is known to be within reach of the safe API.
    pub hazard: Option<Hazard>,
    /// The cells of the reference's table that calls have come by.
    pub cells: Vec<String>,
    /// How many packets the host has taken.
    pub packets: usize,
}

impl Property {
    fn new(case: Case, twin: Option<Twin>) -> Self {
        Self { case, twin, record: Rc::default() }
    }
}

impl Trial for Property {
    type Report = Report;

    const MODULE: &'static str = "property";

    const FORM: &'static str = "ep0in:..";

    fn schedule(&self) -> u32 {
        self.case.schedule
    }

    fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let (case, twin) = trial::split_twin(name, &Twin::ALL);
        Some(Self::new(Case::by_name(&case, schedule)?, twin))
    }

    fn judge(&self, verdict: Verdict) -> Result<Report, Box<Verdict>> {
        let conversation = self.record.conversation.borrow();
        let hazard = match &verdict {
            Verdict::Sound { .. } => None,
            Verdict::Violation(found) => match conversation.excuse(found.violation.misuse.rule) {
                None => return Err(Box::new(verdict)),
                hazard => hazard,
            },
            _ => return Err(Box::new(verdict)),
        };
        let packets = conversation.events().iter().filter(|&&event| event == HostEvent::Taken).count();
        Ok(Report { hazard, cells: self.record.cells.take(), packets })
    }
}

impl Program for Property {
    fn name(&self) -> String {
        trial::join_twin(&self.case.name(), self.twin)
    }

    fn config(&self) -> Config {
        let fences = trial::fences(self.case.machine, self.twin == Some(Twin::WeakFences));
        let end_on_reset = match self.twin {
            Some(Twin::ResetSwallowsEnd) => EndOnReset::Never,
            _ => EndOnReset::Fires,
        };
        Config { fences, options: Options { end_on_reset, ..Options::default() }, ..Config::default() }
    }

    /// The chip is powered up and connected; the host has done nothing yet. Nothing is left of a run before.
    fn prepare(&self, soc: &mut Soc) {
        self.record.conversation.take();
        self.record.cells.take();
        connect(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let end_when_idle = match self.twin {
            Some(Twin::WrongReference) => EndError::NotDone,
            _ => EndError::NotStarted,
        };
        let driven = Sabotaged::new(board.clone(), self.twin);
        let reference = Reference::new(end_when_idle);
        Firmware::new(board, driven, self.record.clone(), reference, self.case.careful).run(&self.case.cpu);
    }

    fn host(&self, mut host: Host) -> Script {
        let (operations, record) = (self.case.host.clone(), self.record.clone());
        Box::pin(async move {
            for operation in operations {
                if let Err(wrong) = take_step(&mut host, &record, operation).await? {
                    // At once, not at the end of the script: what comes after it is of no interest.
                    panic!("the host: {wrong}");
                }
            }
            Ok(())
        })
    }
}

/// One step of the host. The inner result is what was wrong with the answer.
async fn take_step(
    host: &mut Host,
    record: &Record,
    operation: HostOperation,
) -> Result<Result<(), String>, HostError> {
    Ok(match operation {
        HostOperation::Reset => {
            host.reset().await?;
            record.conversation.borrow_mut().reset();
            Ok(())
        }
        HostOperation::Setup(request) => {
            let setup = record.conversation.borrow().next_setup(request);
            let answer = host.token(Token::Setup(setup.to_bytes())).await?;
            record.conversation.borrow_mut().setup(request, answer)
        }
        HostOperation::InOnce => {
            let answer = host.token(Token::In).await?;
            record.conversation.borrow_mut().token_in(answer)
        }
        HostOperation::OutStatusOnce => {
            let answer = host.token(Token::Out { data1: true, packet: Packet::EMPTY }).await?;
            record.conversation.borrow().token_out(answer)
        }
    })
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

/// Runs what has this name on every schedule: for small cases. Returns how many there are.
///
/// States are visited once, and what the reference knows is not among them: of two schedules that differ in nothing
/// else, one is left out.
///
/// # Panics
///
/// With the failure; or because nothing has this name, or there are more schedules than a test should take.
pub fn hold_everywhere(name: &str) -> u64 {
    let property: Property = trial::expect(name, 0);
    let verdict = stepped::explore(&property, Limits::default()).verdict;
    let schedules = verdict.executions();
    match trial::judge(&property, verdict) {
        Ok(Report { hazard: None, .. }) => schedules,
        Ok(Report { hazard, .. }) => panic!("{name} ends in {hazard:?}: that hides what comes after"),
        Err(failure) => panic!("{failure}"),
    }
}

/// Runs again what a replay string says, twin included.
///
/// # Errors
///
/// The string brings nothing back. The inner result is that of [`run`].
pub fn replay(text: &str) -> Result<Result<Report, Failure>, ReplayError> {
    trial::replay::<Property>(text)
}
