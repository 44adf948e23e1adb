//! `dmacheck check` as text: 80 columns are enough for most.

use std::time::Duration;

use comfy_table::{Cell, Table};
use sim_core::check::matrix::Row;
use sim_core::check::needed::{Needed, Needs};
use sim_core::check::programs::Path;
use sim_core::check::quirks;
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::machine::{Fences, Machine, Strength};

use super::Tried;
use crate::output;

/// What is wrong in one row or several.
pub struct Finding {
    text: String,
    rows: Vec<Fences>,
    /// What shows it again, in the first of its rows.
    replay: Option<String>,
}

impl Finding {
    /// Whether it is this row's.
    pub fn is_of(&self, row: &Row) -> bool {
        self.rows.contains(&row.fences)
    }

    /// Whether the start fence is there, in all its rows, and too weak.
    pub fn is_of_a_weak_fence(&self) -> bool {
        self.rows.iter().all(|fences| fences.start == Strength::Compiler && !fences.machine.honours(fences.start))
    }
}

/// What was found in a row; rows with the same finding share it.
pub fn findings(rows: &[Row]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for row in rows {
        let Some(text) = finding(row) else { continue };
        match findings.iter_mut().find(|known| known.text == text) {
            Some(known) => known.rows.push(row.fences),
            None => {
                let replay = row.stepped.verdict.replay().map(str::to_owned);
                findings.push(Finding { text, rows: vec![row.fences], replay });
            }
        }
    }
    findings
}

/// What was found in a row: for a race, the missing fence and both sites.
pub fn finding(row: &Row) -> Option<String> {
    let mut text = match (&row.model, row.explanation()) {
        (Verdict::Race(found), Some(explanation)) => {
            let other = found.violation.misuse.other.map(|other| format!("\nwith {other}")).unwrap_or_default();
            format!("{explanation}\nby   {}{other}", found.violation.site)
        }
        (Verdict::Sound { .. }, _) => String::new(),
        (verdict, _) => verdict.to_string(),
    };
    if row.stepped.verdict.kind() != row.model.kind() {
        text.push_str(&format!("\nthe engines disagree; all schedules: {}", row.stepped.verdict));
    }
    Some(text).filter(|text| !text.is_empty())
}

/// One line a row; findings by their number.
pub fn matrix(rows: &[Row], findings: &[Finding]) -> String {
    let mut table = table(&["machine", "start fence", "end fence", "verdict", "loom", "schedules", "why"]);
    for row in rows {
        let Fences { machine, start, end } = row.fences;
        let number = findings.iter().position(|finding| finding.rows.contains(&row.fences));
        table.add_row([
            Cell::new(machine),
            Cell::new(start),
            Cell::new(end),
            output::verdict_cell(row.model.kind(), row.is_as_expected()),
            Cell::new(format!("{}, {}", row.model.executions(), milliseconds(row.model_time))),
            Cell::new(format!("{}, {}", row.stepped.verdict.executions(), milliseconds(row.stepped_time))),
            Cell::new(number.map(|number| (number + 1).to_string()).unwrap_or_default()),
        ]);
    }
    table.trim_fmt()
}

/// The findings that [`matrix`] numbers: what is wrong, where, in which rows, and how to see it.
pub fn list(findings: &[Finding]) -> String {
    let entries = findings.iter().enumerate().map(|(number, finding)| {
        let mut lines: Vec<String> = finding.text.lines().map(str::to_owned).collect();
        lines.extend(finding.replay.iter().map(|replay| format!("dmacheck replay {replay}")));
        format!("{:>3}  {}\n", number + 1, lines.join("\n     "))
    });
    entries.collect()
}

/// What was not explored of the programs with a host, because less was asked for.
pub fn left_open(tried: &[Tried]) -> String {
    let open = tried.iter().filter(|tried| tried.is_left_open());
    let lines = open.map(|tried| format!("\n  {}: {}", tried.program.name(), tried.exploration.unexplored));
    format!("\nNot explored:{}", lines.collect::<String>())
}

/// One line a path: the strongest that any of its fences has to be.
pub fn needs(all: &[Needs]) -> String {
    let machines = Machine::ALL.map(|machine| machine.to_string());
    let header = [&["path", "fences"][..], &machines.each_ref().map(String::as_str), &["executions"]].concat();
    let mut table = table(&header);
    for needs in all {
        let name =
            |strength: Option<Strength>| strength.map_or("not enough".to_owned(), |strength| strength.to_string());
        let [m4, m7, multi] = needs.strongest().map(name);
        let [fences, executions] = [needs.fences.len().to_string(), needs.executions.to_string()];
        table.add_row([needs.path.to_string(), fences, m4, m7, multi, executions]);
    }
    let fences = all.iter().flat_map(|needs| needs.fences.iter().map(|needed| (needs.path, needed)));
    let unexpected = fences.filter(|(_, needed)| !needed.is_as_expected());
    let text = |(path, Needed { place, weakest, .. }): (Path, &Needed)| {
        format!("\n{path}, {place}: not as expected: {weakest:?}")
    };
    format!("{}{}", table.trim_fmt(), unexpected.map(text).collect::<String>())
}

/// One line a path, one column a quirk.
pub fn quirks(all: &[quirks::Tried]) -> String {
    // In the order of `Quirks::EACH`.
    let mut table = table(&["path", "posted writes", "flag before data", "until a read"]);
    for path in Path::ALL {
        let tried = || all.iter().filter(move |tried| tried.path == path);
        let verdict =
            |tried: &quirks::Tried| output::verdict_cell(tried.exploration.verdict.kind(), tried.is_as_expected());
        table.add_row([Cell::new(path)].into_iter().chain(tried().map(verdict)));
    }
    let unexpected = all.iter().filter(|tried| !tried.is_as_expected());
    let text = unexpected.map(|tried| format!("\n{}, {}: {}", tried.path, tried.quirks, tried.exploration.verdict));
    format!("{}{}", table.trim_fmt(), text.collect::<String>())
}

/// What became of the programs with a host.
pub fn hosts(tried: &[Tried]) -> String {
    let mut table = table(&["program", "verdict", "schedules", "states", "time"]);
    for Tried { program, exploration, time, is_bounded } in tried {
        let verdict = &exploration.verdict;
        table.add_row([
            Cell::new(program.name()),
            output::verdict_cell(verdict.kind(), verdict.kind() == Kind::Sound || *is_bounded),
            Cell::new(verdict.executions()),
            Cell::new(exploration.states),
            Cell::new(milliseconds(*time)),
        ]);
    }
    let failed = tried.iter().filter(|tried| !tried.is_as_expected());
    let failures =
        failed.map(|Tried { program, exploration, .. }| format!("\n{}: {}", program.name(), exploration.verdict));
    format!("{}{}", table.trim_fmt(), failures.collect::<String>())
}

/// An empty table with this head.
pub fn table(header: &[&str]) -> Table {
    const WIDTH: u16 = 100;
    output::table(WIDTH, header)
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 9.95 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}
