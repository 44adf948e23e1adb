//! `dmacheck check`: the matrix of fences, what each path needs, and endpoint 0 against a difficult host.

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::check::matrix::Row;
use sim_core::check::needed::{Needed, Needs};
use sim_core::check::programs::{Device, Path, Try};
use sim_core::explore::{Kind, Program, stepped};
use sim_core::machine::Fences;

use crate::{Outcome, output};

mod explain;
mod report;
mod tables;

/// Options of `dmacheck check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  dmacheck check\n  dmacheck check --packets 3\n  dmacheck check --explain\n  \
                        dmacheck check --report target/dmacheck\n  dmacheck check --json")]
pub struct Options {
    /// How many packets the driver sends back to back in each row of the matrix.
    #[arg(long, default_value_t = Options::default().packets, value_parser = clap::value_parser!(u8).range(1..=3))]
    packets: u8,
    #[command(flatten)]
    explain: explain::Wanted,
}

impl Default for Options {
    fn default() -> Self {
        Self { packets: 2, explain: explain::Wanted::default() }
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
    let directory = match options.explain.open() {
        Ok(directory) => directory,
        Err(error) => return Ok(Outcome::Usage(error.to_string())),
    };
    let fences = Fences::all().collect::<Vec<_>>();
    // Draws on a terminal only.
    let progress = ProgressBar::new((fences.len() + Path::ALL.len() + Try::ALL.len()) as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").map_err(io::Error::other)?;
    progress.set_style(style);
    let rows: Vec<Row> = fences.into_iter().map(|fences| check_row(fences, options.packets, &progress)).collect();
    let needs: Vec<Needs> = Path::ALL.into_iter().map(|path| check_path(path, &progress)).collect();
    let tried: Vec<Tried> = Try::ALL.into_iter().map(|host| check_host(host, &progress)).collect();
    progress.finish_and_clear();

    let verdicts = rows.iter().map(Row::is_as_expected);
    let verdicts = verdicts.chain(needs.iter().flat_map(|needs| &needs.fences).map(Needed::is_as_expected));
    let verdicts = verdicts.chain(tried.iter().map(Tried::is_as_expected));
    let (expected, unexpected): (Vec<_>, Vec<_>) = verdicts.partition(|&as_expected| as_expected);
    let (expected, unexpected) = (expected.len(), unexpected.len());
    let explained = explain::Explained::new(&rows, &needs, &tried);
    let (path, page) = explained.write(directory);
    if json {
        let report = report::Report::new(&explained, [expected, unexpected], path.as_deref());
        output::print_json(&report)?;
    } else {
        let findings = tables::findings(&rows);
        output::print(&format!("Which fences does `Ep0In` need? {} packets back to back:\n", options.packets))?;
        output::print(&tables::matrix(&rows, &findings))?;
        output::print(&format!("\n{}", tables::list(&findings)))?;
        explained.show(&findings, options.explain.all())?;
        output::print("\nThe weakest fence that each path needs, every one of its fences left out in turn:\n")?;
        output::print(&tables::needs(&needs))?;
        output::print("\nEndpoint 0 against a difficult host, every schedule:\n")?;
        output::print(&tables::hosts(&tried))?;
        output::print(&format!("\nverdicts: {expected} as expected, {unexpected} unexpected"))?;
        path.iter().try_for_each(|path| output::print(&format!("report: {}", path.display())))?;
    }
    if let Err(error) = page {
        return Ok(Outcome::Usage(error.to_string()));
    }
    Ok(if unexpected == 0 { Outcome::Expected } else { Outcome::Unexpected })
}

fn check_row(fences: Fences, packets: u8, progress: &ProgressBar) -> Row {
    progress.set_message(format!("{} {} {}", fences.machine, fences.start, fences.end));
    let row = Row::check(fences, packets);
    progress.inc(1);
    row
}

fn check_path(path: Path, progress: &ProgressBar) -> Needs {
    progress.set_message(path.to_string());
    let needs = Needs::of(path);
    progress.inc(1);
    needs
}

fn check_host(host: Try, progress: &ProgressBar) -> Tried {
    let program = Device::new(host, 8);
    progress.set_message(program.name());
    let started = Instant::now();
    let exploration = stepped::explore(&program, stepped::Limits::default());
    progress.inc(1);
    Tried { program, exploration, time: started.elapsed() }
}
