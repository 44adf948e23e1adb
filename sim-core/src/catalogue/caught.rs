//! How a broken program is caught, and by whom.

use std::fmt;

use serde::Serialize;

use crate::explore::Verdict;
use crate::monitor::Rule;

/// How a broken program is caught.
///
/// See [`Case`](super::Case) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caught {
    /// The first rule that is found broken is this.
    Rule(Rule),
    /// Host or firmware gets something else than it was due: the message has this in it.
    Wrong(&'static str),
    /// Somebody waits for ever: the message has this in it.
    Hangs(&'static str),
}

/// Who notices.
///
/// See [`Case`](super::Case) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// The bus monitor, by a rule.
    Monitor,
    /// The vector clocks: two accesses that nothing orders.
    Clocks,
    /// An assertion of host or firmware: the memory is sound, the bytes are wrong.
    Assertion,
    /// The explorer: nobody can go on.
    Deadlock,
    /// loom: two accesses that nothing orders.
    Loom,
}

impl Caught {
    /// Who notices.
    pub const fn detector(self) -> Detector {
        match self {
            Self::Rule(Rule::Race) => Detector::Clocks,
            Self::Rule(_) => Detector::Monitor,
            Self::Wrong(_) => Detector::Assertion,
            Self::Hangs(_) => Detector::Deadlock,
        }
    }

    /// Whether `verdict` is what is expected of the broken program.
    pub fn is(self, verdict: &Verdict) -> bool {
        match (self, verdict) {
            (Self::Rule(rule), Verdict::Race(found) | Verdict::Violation(found)) => found.violation.misuse.rule == rule,
            (Self::Wrong(message), Verdict::Assertion { .. }) | (Self::Hangs(message), Verdict::Deadlock { .. }) => {
                verdict.to_string().contains(message)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Monitor => "bus monitor",
            Self::Clocks => "vector clocks",
            Self::Assertion => "assertion",
            Self::Deadlock => "deadlock",
            Self::Loom => "loom",
        })
    }
}
