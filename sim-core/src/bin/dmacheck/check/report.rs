//! `dmacheck check --json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use sim_core::check::counterexample::Counterexample;
use sim_core::check::needed::Needed;
use sim_core::check::{programs, quirks};
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::machine::{FencePlace, Fences, Machine, Moment, Strength};
use sim_core::quirks::Quirks;

use super::explain::Explained;
use super::tables;
use super::upkeep::UpkeepReport;

/// All that was judged.
#[derive(Serialize)]
pub struct Report {
    matrix: Vec<RowReport>,
    paths: Vec<PathReport>,
    upkeep: Vec<UpkeepReport>,
    quirks: Vec<QuirkReport>,
    programs: Vec<ProgramReport>,
    as_expected: usize,
    unexpected: usize,
    left_open: usize,
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
struct PathReport {
    path: programs::Path,
    executions: u64,
    fences: Vec<FenceReport>,
}

/// What a fence has to be; machine by machine, `null` if nothing is enough.
#[derive(Serialize)]
struct FenceReport {
    moment: Moment,
    file: &'static str,
    line: u32,
    /// It takes memory back that no DMA has touched.
    idle: bool,
    weakest: BTreeMap<String, Option<Strength>>,
}

impl FenceReport {
    fn new(needed: &Needed) -> Self {
        let &Needed { place: FencePlace { moment, line }, is_idle: idle, weakest } = needed;
        let weakest = Machine::ALL.map(|machine| machine.to_string()).into_iter().zip(weakest).collect();
        Self { moment, file: line.file(), line: line.line(), idle, weakest }
    }
}

/// A path on a bus or with a device that has a quirk.
#[derive(Serialize)]
struct QuirkReport {
    path: programs::Path,
    #[serde(flatten)]
    quirks: Quirks,
    expected: Kind,
    verdict: Kind,
    schedules: u64,
    states: usize,
    milliseconds: f64,
}

impl QuirkReport {
    fn new(tried: &quirks::Tried) -> Self {
        let quirks::Tried { path, quirks, expected, ref exploration, time } = *tried;
        let milliseconds = time.as_secs_f64() * 1000.0;
        let (verdict, schedules) = (exploration.verdict.kind(), exploration.verdict.executions());
        Self { path, quirks, expected, verdict, schedules, states: exploration.states, milliseconds }
    }
}

#[derive(Serialize)]
struct ProgramReport {
    program: String,
    expected: Kind,
    stepped: EngineReport,
    states: usize,
    unexplored: Option<String>,
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
    pub fn new(explained: &Explained, [as_expected, unexpected, left_open]: [usize; 3], page: Option<&Path>) -> Self {
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
            unexplored: Some(&tried.exploration.unexplored).filter(|left| !left.is_nothing()).map(ToString::to_string),
        });
        let report = page.map(|path| path.display().to_string());
        let paths = explained.paths().needs.iter().map(|needs| PathReport {
            path: needs.path,
            executions: needs.executions,
            fences: needs.fences.iter().map(FenceReport::new).collect(),
        });
        Self {
            matrix: matrix.collect(),
            paths: paths.collect(),
            upkeep: explained.paths().chores.iter().map(UpkeepReport::new).collect(),
            quirks: explained.paths().quirks.iter().map(QuirkReport::new).collect(),
            programs: programs.collect(),
            as_expected,
            unexpected,
            left_open,
            report,
        }
    }
}
