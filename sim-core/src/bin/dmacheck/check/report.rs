//! `dmacheck check --json`.

use std::time::Duration;

use serde::Serialize;
use sim_core::check::matrix::Row;
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::machine::Fences;

use super::{Tried, tables};

/// All that was judged.
#[derive(Serialize)]
pub struct Report {
    matrix: Vec<RowReport>,
    programs: Vec<ProgramReport>,
    as_expected: usize,
    unexpected: usize,
}

#[derive(Serialize)]
struct RowReport {
    #[serde(flatten)]
    fences: Fences,
    expected: Kind,
    loom: EngineReport,
    stepped: EngineReport,
    finding: Option<String>,
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
    /// The report of `rows` and `tried`.
    pub fn new(rows: &[Row], tried: &[Tried], as_expected: usize, unexpected: usize) -> Self {
        let matrix = rows.iter().map(|row| RowReport {
            fences: row.fences,
            expected: row.expected,
            loom: EngineReport::new(&row.model, row.model_time),
            stepped: EngineReport::new(&row.stepped.verdict, row.stepped_time),
            finding: tables::finding(row),
        });
        let programs = tried.iter().map(|tried| ProgramReport {
            program: tried.program.name(),
            expected: Kind::Sound,
            stepped: EngineReport::new(&tried.exploration.verdict, tried.time),
            states: tried.exploration.states,
        });
        Self { matrix: matrix.collect(), programs: programs.collect(), as_expected, unexpected }
    }
}
