//! From what loom says, and what its executions leave behind, to a verdict.

use std::any::Any;
use std::panic::Location;
use std::sync::atomic::Ordering as Plain;

use super::{DEADLOCK, Evidence, Limits, THREADS, cell, fence, location, lock};
use crate::explore::{Verdict, quiet};
use crate::monitor::{Misuse, Rule, Site, Violation};

/// How often somebody looks for news, with nobody giving any, before it counts as waiting forever.
const LOOKS_WITHOUT_HOPE: u32 = 100;

/// What loom 0.7.2 asserts when a thread is spawned.
const NO_ROOM: &str = "self.threads.len() < self.max()";

/// What loom's search has found.
pub(super) fn judge(result: Result<(), Box<dyn Any + Send>>, evidence: &Evidence, limits: Limits) -> Verdict {
    let executions = evidence.executions.load(Plain::Relaxed);
    let complete = evidence.complete.load(Plain::Relaxed);
    let Err(payload) = result else {
        return if complete == 0 {
            Verdict::Vacuous { message: String::new(), executions }
        } else {
            Verdict::Sound { executions, complete }
        };
    };
    if let Some(message) = lock(&evidence.limit).take() {
        return Verdict::Inconclusive { message, executions: executions - 1 };
    }
    if let Some(violation) = lock(&evidence.violation).take() {
        return Verdict::found(violation, executions);
    }
    let message = quiet::message(&*payload).trim().to_owned();
    if message.starts_with("Causality violation") {
        return Verdict::found(race(), executions);
    }
    if message.starts_with("Model exceeded maximum number of branches") {
        return without_end(lock(&evidence.sides).take(), executions, limits);
    }
    if message.contains(NO_ROOM) {
        let message =
            format!("the model spawns too many threads: loom has room for {THREADS}, with the one that it starts with");
        return Verdict::Inconclusive { message, executions };
    }
    if message == fence::NO_STAMP {
        return Verdict::Inconclusive { message, executions };
    }
    if message.starts_with(DEADLOCK) {
        return Verdict::Deadlock { message, replay: None, executions };
    }
    Verdict::Assertion { message, replay: None, executions }
}

/// An execution that has not ended within the limit of switch points.
fn without_end(sides: Option<String>, executions: u64, limits: Limits) -> Verdict {
    let is_quiet = location::reads_since_a_write() >= LOOKS_WITHOUT_HOPE;
    match sides {
        Some(message) if is_quiet => Verdict::Deadlock { message, replay: None, executions },
        sides => {
            let sides = sides.map(|sides| format!(": {sides}")).unwrap_or_default();
            let message = format!(
                "an execution has not ended after {} switch points: it never does (a livelock), or \
                 `Limits::branches` is too low{sides}",
                limits.branches
            );
            Verdict::Inconclusive { message, executions }
        }
    }
}

/// The race that loom has stopped at: the access that it refused, and the last of the other side before it.
fn race() -> Violation {
    let (site, other) = cell::last_two();
    let missing = match site {
        None => "nothing orders the two accesses",
        Some(Site::Dma { .. } | Site::Channel { .. }) => {
            "no release fence that this machine honours orders the CPU's access before the start of the transfer"
        }
        _ => "no acquire fence that this machine honours orders the CPU's access after the end of the transfer",
    };
    let misuse = Misuse { other, ..Misuse::new(Rule::Race, missing.to_owned()) };
    Violation { misuse, site: site.unwrap_or(Site::Cpu(Location::caller())), replay: None }
}
