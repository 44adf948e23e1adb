//! `dmacheck catalogue`: every known way to get DMA wrong, and its right twin, on every schedule.

use std::io;

use clap::Args;
use comfy_table::Cell;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sim_core::catalogue::left_out::LEFT_OUT;
use sim_core::catalogue::refused::REFUSED;
use sim_core::catalogue::{Case, Caught, Detector, Hazard, Judged, SECTIONS, cases};
use sim_core::explore::Kind;

use crate::{Outcome, output};

/// Options of `dmacheck catalogue`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  dmacheck catalogue\n  dmacheck catalogue c016\n  dmacheck catalogue fence\n  \
                        dmacheck catalogue --json")]
pub struct Options {
    /// The cases whose name has this in it; all, without.
    name: Option<String>,
}

/// Runs the cases that are asked for, and prints the table.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    let is_wanted = |case: &&Case| options.name.as_ref().is_none_or(|name| case.name.contains(name));
    let wanted: Vec<&Case> = cases().filter(is_wanted).collect();
    if wanted.is_empty() {
        let name = options.name.as_deref().unwrap_or_default();
        let refused = REFUSED.iter().find(|refused| refused.name.contains(name));
        let left = LEFT_OUT.iter().find(|left| left.id == name);
        let why = match (refused, left) {
            (Some(refused), _) => format!("`{name}` is refused by the compiler: tests/ui/fail/{}.rs", refused.file),
            (_, Some(left)) => format!("`{name}` is left out: {}", left.reason),
            _ => format!("no case has `{name}` in its name: `dmacheck catalogue` lists all"),
        };
        return Ok(Outcome::Usage(why));
    }
    // Draws on a terminal only.
    let progress = ProgressBar::new(wanted.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").map_err(io::Error::other)?;
    progress.set_style(style);
    let judged: Vec<Judged> = wanted
        .into_iter()
        .map(|case| {
            progress.set_message(case.id());
            let judged = case.judge();
            progress.inc(1);
            judged
        })
        .collect();
    progress.finish_and_clear();
    let unexpected = judged.iter().filter(|judged| !judged.is_as_expected()).count();
    if json {
        output::print_json(&Report::new(&judged))?;
    } else {
        print(&judged, options.name.is_none())?;
        let expected = judged.len() - unexpected;
        output::print(&format!("cases: {expected} as expected, {unexpected} unexpected"))?;
    }
    Ok(if unexpected == 0 { Outcome::Expected } else { Outcome::Unexpected })
}

/// Columns, where the output is no terminal.
const WIDTH: u16 = 120;

/// The cases by section; with `all`, what is not run too, and how many there are of each class.
fn print(judged: &[Judged], all: bool) -> io::Result<()> {
    for section in SECTIONS {
        let of_it = judged.iter().filter(|judged| section.cases.iter().any(|case| case.name == judged.case.name));
        let of_it: Vec<&Judged> = of_it.collect();
        if !of_it.is_empty() {
            output::print(&format!("{}: {}\n\n{}\n", section.number, section.title, ran(&of_it)))?;
        }
    }
    for judged in judged.iter().filter(|judged| !judged.is_as_expected()) {
        let Judged { case, broken, right, loom } = judged;
        output::print(&format!("{}: {:?} was due: {broken}\nits twin: {right}", case.name, case.caught))?;
        loom.iter().flatten().try_for_each(|verdict| output::print(&format!("loom: {verdict}")))?;
    }
    if all {
        output::print(&format!("Refused by the compiler, in tests/ui/fail; not run here:\n\n{}\n", refused()))?;
        output::print(&format!("Left out:\n\n{}\n", left_out()))?;
        output::print(&format!("{}\n", classes()))?;
    }
    Ok(())
}

fn ran(judged: &[&Judged]) -> String {
    let mut table = output::table(WIDTH, &["id", "mistake", "source", "class", "found by", "broken", "right"]);
    for judged in judged {
        let case = &judged.case;
        table.add_row([
            Cell::new(case.id()),
            Cell::new(case.title()),
            Cell::new(case.source),
            Cell::new(case.hazard),
            Cell::new(names(&case.found_by())),
            output::verdict_cell(judged.broken.verdict.kind(), judged.is_caught()),
            output::verdict_cell(judged.right.verdict.kind(), judged.is_clean()),
        ]);
    }
    table.trim_fmt()
}

fn names(detectors: &[Detector]) -> String {
    detectors.iter().map(Detector::to_string).collect::<Vec<_>>().join(", ")
}

fn refused() -> String {
    let mut table = output::table(WIDTH, &["id", "mistake", "source", "class", "file"]);
    for refused in REFUSED {
        let hazard = refused.hazard.to_string();
        table.add_row([refused.id(), &refused.title(), refused.source, &hazard, refused.file]);
    }
    table.trim_fmt()
}

fn left_out() -> String {
    let mut table = output::table(WIDTH, &["id", "source", "reason"]);
    for left in LEFT_OUT {
        table.add_row([left.id, left.source, left.reason]);
    }
    table.trim_fmt()
}

/// How many there are of each class.
fn classes() -> String {
    let mut table = output::table(WIDTH, &["class", "hazard", "run", "refused"]);
    for hazard in Hazard::ALL {
        let run = cases().filter(|case| case.hazard == hazard).count();
        let refused = REFUSED.iter().filter(|refused| refused.hazard == hazard).count();
        table.add_row([&hazard.to_string(), hazard.title(), &run.to_string(), &refused.to_string()]);
    }
    table.trim_fmt()
}

/// `dmacheck catalogue --json`.
#[derive(Serialize)]
struct Report {
    cases: Vec<CaseReport>,
    refused: Vec<RefusedReport>,
    left_out: Vec<LeftOutReport>,
    as_expected: usize,
    unexpected: usize,
}

#[derive(Serialize)]
struct CaseReport {
    id: &'static str,
    name: &'static str,
    source: &'static str,
    hazard: Hazard,
    found_by: Vec<Detector>,
    expected: Caught,
    broken: RunReport,
    right: RunReport,
    loom: Option<[RunReport; 2]>,
    as_expected: bool,
}

#[derive(Serialize)]
struct RunReport {
    verdict: Kind,
    executions: u64,
    message: String,
    replay: Option<String>,
}

#[derive(Serialize)]
struct RefusedReport {
    id: &'static str,
    name: &'static str,
    source: &'static str,
    hazard: Hazard,
    file: &'static str,
}

#[derive(Serialize)]
struct LeftOutReport {
    id: &'static str,
    source: &'static str,
    reason: &'static str,
}

impl Report {
    fn new(judged: &[Judged]) -> Self {
        let as_expected = judged.iter().filter(|judged| judged.is_as_expected()).count();
        let refused = REFUSED.iter().map(|refused| RefusedReport {
            id: refused.id(),
            name: refused.name,
            source: refused.source,
            hazard: refused.hazard,
            file: refused.file,
        });
        let left_out =
            LEFT_OUT.iter().map(|left| LeftOutReport { id: left.id, source: left.source, reason: left.reason });
        Self {
            cases: judged.iter().map(CaseReport::new).collect(),
            refused: refused.collect(),
            left_out: left_out.collect(),
            as_expected,
            unexpected: judged.len() - as_expected,
        }
    }
}

impl CaseReport {
    fn new(judged: &Judged) -> Self {
        let Judged { case, broken, right, loom } = judged;
        let run = |verdict: &sim_core::explore::Verdict| RunReport {
            verdict: verdict.kind(),
            executions: verdict.executions(),
            message: verdict.to_string(),
            replay: verdict.replay().map(str::to_owned),
        };
        Self {
            id: case.id(),
            name: case.name,
            source: case.source,
            hazard: case.hazard,
            found_by: case.found_by(),
            expected: case.caught,
            broken: run(&broken.verdict),
            right: run(&right.verdict),
            loom: loom.as_ref().map(|verdicts| verdicts.each_ref().map(run)),
            as_expected: judged.is_as_expected(),
        }
    }
}
