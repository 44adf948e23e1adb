//! Which fences are enough on which machine: every row judged twice.
//!
//! A row is a machine, the fence before the start and the fence after the end. loom and the stepped explorer run the
//! real `Ep0In` on the real chip model with these fences, and must agree.

use std::time::{Duration, Instant};

use super::counterexample::Counterexample;
use super::programs::BackToBack;
use crate::explore::{Kind, Verdict, model, stepped};
use crate::machine::Fences;
use crate::monitor::Site;

/// Bytes in each packet of the matrix: two beats.
const LENGTH: u8 = 8;

/// What became of a row.
///
/// ```
/// # use sim_core::check::matrix::Row;
/// # use sim_core::machine::{Fences, Machine, Strength};
/// let fences = Fences { start: Strength::Compiler, ..Fences::right(Machine::CortexM7) };
/// let row = Row::check(fences, 1);
/// assert!(row.is_as_expected(), "both engines find the race");
/// assert!(row.explanation().unwrap().contains("release"));
/// ```
#[derive(Clone, Debug)]
pub struct Row {
    /// The machine and the fences.
    pub fences: Fences,
    /// How many packets are sent back to back.
    pub packets: u8,
    /// What ARM's and the language's documents say: sound if the machine honours both fences, else a race.
    pub expected: Kind,
    /// What loom says.
    pub model: Verdict,
    /// How long loom took.
    pub model_time: Duration,
    /// What all schedules with vector clocks say.
    pub stepped: stepped::Exploration,
    /// How long that took.
    pub stepped_time: Duration,
}

impl Row {
    /// Judges a row, with `packets` sent back to back.
    pub fn check(fences: Fences, packets: u8) -> Self {
        let program = program(fences, packets);
        let started = Instant::now();
        let model = model::check(&program, model::Limits::default());
        let model_time = started.elapsed();
        let started = Instant::now();
        let stepped = stepped::explore(&program, stepped::Limits::default());
        let stepped_time = started.elapsed();
        let expected = if fences.suffice() { Kind::Sound } else { Kind::Race };
        Self { fences, packets, expected, model, model_time, stepped, stepped_time }
    }

    /// Whether both engines say what was expected.
    pub fn is_as_expected(&self) -> bool {
        self.model.kind() == self.expected && self.stepped.verdict.kind() == self.expected
    }

    /// The program that was judged.
    pub fn program(&self) -> BackToBack {
        program(self.fences, self.packets)
    }

    /// What a failure looks like. `None` if no schedule fails.
    pub fn counterexample(&self) -> Option<Counterexample> {
        Counterexample::find(&self.program(), &self.stepped.verdict, stepped::Limits::default())
    }

    /// For a race: which fence is missing, and (on a second line) why this machine needs it.
    pub fn explanation(&self) -> Option<String> {
        let Verdict::Race(found) = &self.model else {
            return None;
        };
        let Fences { machine, start, end } = self.fences;
        let (which, strength) = match found.violation.site {
            Site::Dma { .. } | Site::Channel { .. } => ("before the start (release)", start),
            Site::Cpu(_) | Site::Host { .. } | Site::Peer { .. } | Site::Cache { .. } => {
                ("after the end (acquire)", end)
            }
        };
        let reason = machine.objection(strength).unwrap_or("this machine honours it: the model is wrong");
        Some(format!("missing: a {} {which}\nwhy: {reason}", machine.weakest_sufficient()))
    }
}

fn program(fences: Fences, packets: u8) -> BackToBack {
    BackToBack { packets, length: LENGTH, fences }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Machine, Strength};

    #[test]
    fn every_row_is_judged_as_expected_by_both_engines() {
        let rows: Vec<Row> = Fences::all().map(|fences| Row::check(fences, 2)).collect();
        assert_eq!(rows.len(), 27);
        for row in &rows {
            assert!(row.is_as_expected(), "{row:?}");
        }
        let sound = rows.iter().filter(|row| row.expected == Kind::Sound).count();
        assert_eq!(sound, 6, "four on a Cortex-M4, one on each of the others");
    }

    #[test]
    fn explanation_names_the_fence_that_is_missing() {
        let row = |start, end| Row::check(Fences { machine: Machine::CortexM7, start, end }, 1);
        let explanation = |row: Row| row.explanation().expect("it is a race");
        let start = explanation(row(Strength::Compiler, Strength::Full));
        assert!(start.starts_with("missing: a fence before the start (release)\nwhy: a Cortex-M7"), "{start}");
        let end = explanation(row(Strength::Full, Strength::None));
        assert!(end.starts_with("missing: a fence after the end (acquire)\nwhy: without a fence"), "{end}");
        assert_eq!(row(Strength::Full, Strength::Full).explanation(), None);
    }

    #[test]
    fn row_that_is_not_as_expected_is_seen() {
        let mut row = Row::check(Fences::right(Machine::CortexM4), 1);
        row.expected = Kind::Race;
        assert!(!row.is_as_expected());
    }
}
