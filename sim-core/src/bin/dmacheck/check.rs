//! `dmacheck check`: the matrix of fences, and endpoint 0 against a difficult host.

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::{Cell, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sim_core::check::matrix::{self, Row};
use sim_core::check::programs::{Device, Try};
use sim_core::explore::{Kind, Program, Verdict, stepped};
use sim_core::machine::{Fences, Machine, Strength};

use crate::Outcome;
use crate::{output, replay};

/// Options of `dmacheck check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  dmacheck check\n  dmacheck check --packets 3\n  dmacheck check --json")]
pub struct Options {
    /// How many packets the driver sends back to back in each row of the matrix.
    #[arg(long, default_value_t = Options::default().packets, value_parser = clap::value_parser!(u8).range(1..=3))]
    packets: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { packets: 2 }
    }
}

/// A program under every schedule.
struct Tried {
    program: Device,
    exploration: stepped::Exploration,
    time: Duration,
}

impl Tried {
    fn is_as_expected(&self) -> bool {
        self.exploration.verdict.kind() == Kind::Sound
    }
}

/// Judges every row and every program.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    let fences = matrix::rows();
    // Draws on a terminal only.
    let progress = ProgressBar::new((fences.len() + Try::ALL.len()) as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").map_err(io::Error::other)?;
    progress.set_style(style);
    let rows: Vec<Row> = fences.into_iter().map(|fences| check_row(fences, options.packets, &progress)).collect();
    let tried: Vec<Tried> = Try::ALL.into_iter().map(|host| check_host(host, &progress)).collect();
    progress.finish_and_clear();

    let verdicts = rows.iter().map(Row::is_as_expected).chain(tried.iter().map(Tried::is_as_expected));
    let (expected, unexpected): (Vec<_>, Vec<_>) = verdicts.partition(|&as_expected| as_expected);
    let (expected, unexpected) = (expected.len(), unexpected.len());
    if json {
        output::print_json(&Report::new(&rows, &tried, expected, unexpected))?;
    } else {
        output::print(&format!("Which fences does `Ep0In` need? {} packets back to back:", options.packets))?;
        output::print(&matrix_table(&rows))?;
        show_races(&rows)?;
        output::print("\nEndpoint 0 against a difficult host, every schedule:")?;
        output::print(&host_table(&tried))?;
        output::print(&format!("\nverdicts: {expected} as expected, {unexpected} unexpected"))?;
    }
    Ok(if unexpected == 0 { Outcome::Expected } else { Outcome::Unexpected })
}

/// How to see each race, and one of them: a fence that is there, and too weak.
fn show_races(rows: &[Row]) -> io::Result<()> {
    output::print("\nEach race again, as a timeline:")?;
    for replay in rows.iter().filter_map(|row| row.stepped.verdict.replay()) {
        output::print(&format!("  dmacheck replay {replay}"))?;
    }
    let weak = |row: &&Row| row.fences.machine == Machine::CortexM7 && row.fences.start == Strength::Compiler;
    let Some(replay) = rows.iter().find(weak).and_then(|row| row.stepped.verdict.replay()) else {
        return Ok(());
    };
    output::print(&format!("\nOne of them, {replay}:"))?;
    replay::run(&replay::Options::new(replay), false).map(drop)
}

fn check_row(fences: Fences, packets: u8, progress: &ProgressBar) -> Row {
    progress.set_message(format!("{} {} {}", fences.machine, fences.start, fences.end));
    let row = Row::check(fences, packets);
    progress.inc(1);
    row
}

fn check_host(host: Try, progress: &ProgressBar) -> Tried {
    let program = Device::new(host, 8);
    progress.set_message(program.name());
    let started = Instant::now();
    let exploration = stepped::explore(&program, stepped::Limits::default());
    progress.inc(1);
    Tried { program, exploration, time: started.elapsed() }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(140);
    }
    table.set_header(header);
    table
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn matrix_table(rows: &[Row]) -> String {
    let mut table =
        table(&["machine", "start fence", "end fence", "verdict", "loom executions", "schedules", "finding"]);
    for row in rows {
        let Fences { machine, start, end } = row.fences;
        table.add_row([
            Cell::new(machine),
            Cell::new(start),
            Cell::new(end),
            output::verdict_cell(row.model.kind(), row.is_as_expected()),
            Cell::new(format!("{}, {}", row.model.executions(), milliseconds(row.model_time))),
            Cell::new(format!("{}, {}", row.stepped.verdict.executions(), milliseconds(row.stepped_time))),
            Cell::new(finding(row)),
        ]);
    }
    table.to_string()
}

/// What was found in a row: for a race, both sites and the missing fence.
fn finding(row: &Row) -> String {
    let mut text = match (&row.model, row.explanation()) {
        (Verdict::Race(found), Some(explanation)) => {
            let other = found.violation.misuse.other.map(|other| other.to_string()).unwrap_or_default();
            format!("{explanation}\n{} | {other}", found.violation.site)
        }
        (Verdict::Sound { .. }, _) => String::new(),
        (verdict, _) => verdict.to_string(),
    };
    if row.stepped.verdict.kind() != row.model.kind() {
        text.push_str(&format!("\nthe engines disagree; all schedules: {}", row.stepped.verdict));
    }
    text
}

fn host_table(tried: &[Tried]) -> String {
    let mut table = table(&["program", "verdict", "schedules", "states", "time", "finding"]);
    for Tried { program, exploration, time } in tried {
        let verdict = &exploration.verdict;
        let is_sound = verdict.kind() == Kind::Sound;
        table.add_row([
            Cell::new(program.name()),
            output::verdict_cell(verdict.kind(), is_sound),
            Cell::new(verdict.executions()),
            Cell::new(exploration.states),
            Cell::new(milliseconds(*time)),
            Cell::new(if is_sound { String::new() } else { verdict.to_string() }),
        ]);
    }
    table.to_string()
}

#[derive(Serialize)]
struct Report {
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
    finding: String,
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
    fn new(rows: &[Row], tried: &[Tried], as_expected: usize, unexpected: usize) -> Self {
        let matrix = rows.iter().map(|row| RowReport {
            fences: row.fences,
            expected: row.expected,
            loom: EngineReport::new(&row.model, row.model_time),
            stepped: EngineReport::new(&row.stepped.verdict, row.stepped_time),
            finding: finding(row),
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
