//! `dmacheck check --json`.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use sim_core::check::counterexample::Counterexample;
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::machine::Fences;

use super::explain::Explained;
use super::tables;

/// All that was judged.
#[derive(Serialize)]
pub struct Report {
    matrix: Vec<RowReport>,
    programs: Vec<ProgramReport>,
    as_expected: usize,
    unexpected: usize,
    report: Option<String>,
}

#[derive(Serialize)]
struct RowReport {
    #[serde(flatten)]
    fences: Fences,
    expected: Kind,
    loom: EngineReport,
    stepped: EngineReport,
    finding: Option<String>,
    fix: Option<String>,
}

#[derive(Serialize)]
struct ProgramReport {
    program: String,
    expected: Kind,
    stepped: EngineReport,
    states: usize,
}

#[derive(Serialize)]
struct EngineReport {
    verdict: Kind,
    executions: u64,
    milliseconds: f64,
    replay: Option<String>,
}

impl EngineReport {
    fn new(verdict: &Verdict, time: Duration) -> Self {
        let replay = verdict.replay().map(str::to_owned);
        let milliseconds = time.as_secs_f64() * 1000.0;
        Self { verdict: verdict.kind(), executions: verdict.executions(), milliseconds, replay }
    }
}

impl Report {
    /// The report of all that was judged. `page`: where the same was written, if it was.
    pub fn new(explained: &Explained, as_expected: usize, unexpected: usize, page: Option<&Path>) -> Self {
        let fix = |found: &Counterexample| found.fix.to_string();
        let matrix = explained.rows().map(|(row, found)| RowReport {
            fences: row.fences,
            expected: row.expected,
            loom: EngineReport::new(&row.model, row.model_time),
            stepped: EngineReport::new(&row.stepped.verdict, row.stepped_time),
            finding: tables::finding(row),
            fix: found.map(fix),
        });
        let programs = explained.tried().map(|(tried, _)| ProgramReport {
            program: tried.program.name(),
            expected: Kind::Sound,
            stepped: EngineReport::new(&tried.exploration.verdict, tried.time),
            states: tried.exploration.states,
        });
        let report = page.map(|path| path.display().to_string());
        Self { matrix: matrix.collect(), programs: programs.collect(), as_expected, unexpected, report }
    }
}
