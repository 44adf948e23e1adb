//! The host's turn: its script, its steps, its patience.

use std::task::{self, Context, Waker};

use super::system::{Position, System};
use crate::host::fault::Course;
use crate::host::{Fault, Faults, HostError, Isochronous, PATIENCE_MS, Reply, Script, Step, Transaction};
use crate::soc::Soc;

/// How often the host may wait in vain in one run, before it counts as going on forever.
const TIMEOUTS: u32 = 1024;

/// How the host's step goes.
#[derive(Hash)]
pub(super) enum Turn {
    /// It is taken.
    Taken(Course),
    /// Nobody else can go on: time passes until the host gives up. Says where both sides are.
    InVain(String),
}

/// The host's script, and how far it is.
#[derive(Default)]
pub(super) struct HostSide {
    script: Option<Script>,
    /// The step that it takes when it is its turn.
    pub wants: Option<Step>,
    /// The USARTs, by index, whose frames it has taken.
    pub has_heard: [bool; 3],
    /// How the script has ended.
    pub outcome: Option<Result<(), HostError>>,
    /// What it was answered, folded into a hash.
    pub history: u64,
    /// What may still happen to its transactions.
    pub faults: Faults,
    /// How often it has waited in vain.
    timeouts: u32,
}

impl HostSide {
    /// A host without a script.
    pub fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }
}

impl System {
    /// Runs the host's script up to its first step.
    pub fn begin_host(&self, script: Script) {
        self.host.borrow_mut().script = Some(script);
        self.poll_host();
    }

    pub fn give_turn(&self, turn: Turn) {
        *self.host_turn.borrow_mut() = Some(turn);
        self.poll_host();
    }

    /// Nobody can go on, and the host waits: time passes until it goes on or gives up. `false` if it does not wait.
    pub fn let_host_give_up(&self, position: Position) -> bool {
        let sides = format!("{}; the engine is idle", self.cpu_waits(position));
        let mut host = self.host.borrow_mut();
        if host.wants.is_none() || host.timeouts == TIMEOUTS {
            return false;
        }
        host.timeouts += u32::from(host.wants != Some(Step::Settle));
        drop(host);
        self.give_turn(Turn::InVain(sides));
        true
    }

    /// Does what the host wants. It is its turn.
    pub fn take_step(&self, step: &Step, turn: &Turn) -> Result<Reply, HostError> {
        let course = match turn {
            Turn::Taken(Course::Abandoned) => return Err(HostError::Abandoned { token: token_of(step) }),
            Turn::Taken(course) => *course,
            Turn::InVain(_) if *step == Step::Settle => return Ok(Reply::Done),
            Turn::InVain(sides) => return Err(in_vain(step, sides.clone())),
        };
        let mut soc = self.soc.borrow_mut();
        let happens = |told: Option<Fault>| if let Course::Suffers(fault) = course { Some(fault) } else { told };
        match step {
            Step::Reset => soc.bus_reset(),
            Step::StartOfFrame(frame) => soc.start_of_frame(*frame),
            Step::Suspend => soc.suspend(),
            Step::Resume | Step::WakeUp => soc.resume(),
            Step::Disconnect => soc.plug(false),
            Step::Connect => soc.plug(true),
            Step::Settle => {}
            Step::Serial { port, does } => return Ok(soc.carry_out_serial(*port, *does)),
            Step::Transaction(transaction) => {
                let fault = happens(transaction.fault);
                return Ok(Reply::Answer(soc.carry_out(transaction, fault)));
            }
            Step::Isochronous(isochronous) => {
                let fault = happens(isochronous.fault);
                return Ok(Reply::Packet(soc.carry_out_isochronous(&Isochronous { fault, ..isochronous.clone() })));
            }
        }
        Ok(Reply::Done)
    }

    /// Runs the host's script until it wants its next turn.
    fn poll_host(&self) {
        let Some(mut script) = self.host.borrow_mut().script.take() else {
            return;
        };
        let outcome = script.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut host = self.host.borrow_mut();
        match outcome {
            task::Poll::Pending => host.script = Some(script),
            task::Poll::Ready(outcome) => {
                host.wants = None;
                host.outcome = Some(outcome);
            }
        }
    }
}

/// The token of a step that can be abandoned.
fn token_of(step: &Step) -> &'static str {
    match step {
        Step::Transaction(transaction) => transaction.token.name(),
        Step::Isochronous(Isochronous { sends: Some(_), .. }) => "OUT",
        _ => "IN",
    }
}

/// The host has waited for as long as it waits.
fn in_vain(step: &Step, sides: String) -> HostError {
    let milliseconds = PATIENCE_MS.into();
    match step {
        Step::Transaction(transaction) => {
            let Transaction { token, address, endpoint, patience_ms, .. } = *transaction;
            HostError::Timeout { token: token.name(), address, endpoint, milliseconds: patience_ms.into(), sides }
        }
        Step::WakeUp => HostError::NoWakeUp { milliseconds, sides },
        Step::Serial { port, does } => does.in_vain(*port, milliseconds, sides),
        _ => HostError::NoDevice { milliseconds, sides },
    }
}

/// A host that was answered NAK tries again when the answer would be another.
pub(super) fn can_go_on(soc: &Soc, step: &Step) -> bool {
    match step {
        Step::Reset => soc.is_connected(),
        Step::WakeUp => soc.is_driving_resume(),
        Step::Settle => false,
        Step::Serial { port, does } => soc.can_carry_out_serial(*port, *does),
        Step::Transaction(transaction) => !transaction.retry || !soc.is_answered_nak(transaction),
        _ => true,
    }
}
