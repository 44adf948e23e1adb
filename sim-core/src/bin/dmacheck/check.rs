//! `dmacheck check`: the matrix of fences, what each path needs, buses and devices with quirks, difficult hosts.

use std::io;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::check::matrix::Row;
use sim_core::check::paths::Paths;
use sim_core::check::programs::{Device, Try};
use sim_core::explore::{Kind, Program, stepped};
use sim_core::machine::Fences;

use bounds::Bounds;

use crate::{Outcome, output};

mod bounds;
mod explain;
mod report;
mod tables;
mod upkeep;

/// Options of `dmacheck check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  dmacheck check\n  dmacheck check --packets 3\n  dmacheck check --explain\n  \
                        dmacheck check --only hosts --shard 1/4\n  \
                        dmacheck check --report target/dmacheck\n  dmacheck check --json")]
pub struct Options {
    /// How many packets the driver sends back to back in each row of the matrix.
    #[arg(long, default_value_t = Options::default().packets, value_parser = clap::value_parser!(u8).range(1..=3))]
    packets: u8,
    /// Judges one part, and leaves the others out.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    explain: explain::Wanted,
}

impl Default for Options {
    fn default() -> Self {
        Self { packets: 2, only: None, bounds: Bounds::default(), explain: explain::Wanted::default() }
    }
}

impl Options {
    fn asks_for(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

/// A part of what is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Machine by machine, which fences packets that are sent back to back need.
    Matrix,
    /// The fences of each path, what they do about a data cache, and the quirks that it survives.
    Paths,
    /// Endpoint 0 against a difficult host.
    Hosts,
}

/// A program under every schedule.
struct Tried {
    program: Device,
    exploration: stepped::Exploration,
    time: Duration,
    /// Less was asked for than there is.
    is_bounded: bool,
}

impl Tried {
    fn is_as_expected(&self) -> bool {
        self.exploration.verdict.kind() == Kind::Sound || self.is_left_open()
    }

    /// Whether nothing was found as far as was asked for: no proof.
    fn is_left_open(&self) -> bool {
        self.is_bounded && self.exploration.verdict.kind() == Kind::Inconclusive
    }
}

/// Judges every row and every program.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    let directory = match options.explain.open() {
        Ok(directory) => directory,
        Err(error) => return Ok(Outcome::Usage(error.to_string())),
    };
    let fences: Vec<Fences> = if options.asks_for(Part::Matrix) { Fences::all().collect() } else { Vec::new() };
    let hosts: &[Try] = if options.asks_for(Part::Hosts) { &Try::ALL } else { &[] };
    // Draws on a terminal only.
    let steps = fences.len() + usize::from(options.asks_for(Part::Paths)) * Paths::QUESTIONS + hosts.len();
    let progress = ProgressBar::new(steps as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").map_err(io::Error::other)?;
    progress.set_style(style);
    let rows: Vec<Row> = fences.into_iter().map(|fences| check_row(fences, options.packets, &progress)).collect();
    let tell = |question| {
        progress.set_message(question);
        progress.inc(1);
    };
    let paths = if options.asks_for(Part::Paths) { Paths::judge(tell) } else { Paths::default() };
    let tried: Vec<Tried> = hosts.iter().map(|&host| check_host(host, &options.bounds, &progress)).collect();
    progress.finish_and_clear();

    let verdicts = rows.iter().map(Row::is_as_expected);
    let verdicts = verdicts.chain(paths.verdicts());
    let open = tried.iter().filter(|tried| tried.is_left_open()).count();
    let closed = tried.iter().filter(|tried| !tried.is_left_open());
    let verdicts = verdicts.chain(closed.map(Tried::is_as_expected));
    let (expected, unexpected): (Vec<_>, Vec<_>) = verdicts.partition(|&as_expected| as_expected);
    let (expected, unexpected) = (expected.len(), unexpected.len());
    let explained = explain::Explained::new(&rows, &paths, &tried);
    let (written, page) = explained.write(directory);
    if json {
        let report = report::Report::new(&explained, [expected, unexpected, open], written.as_deref());
        output::print_json(&report)?;
    } else {
        print(options, &explained, &paths, &rows, &tried)?;
        let open = if open > 0 { format!(", {open} left open: no proof") } else { String::new() };
        output::print(&format!("\nverdicts: {expected} as expected, {unexpected} unexpected{open}"))?;
        written.iter().try_for_each(|path| output::print(&format!("report: {}", path.display())))?;
    }
    if let Err(error) = page {
        return Ok(Outcome::Usage(error.to_string()));
    }
    Ok(if unexpected == 0 { Outcome::Expected } else { Outcome::Unexpected })
}

fn print(
    options: &Options,
    explained: &explain::Explained,
    paths: &Paths,
    rows: &[Row],
    tried: &[Tried],
) -> io::Result<()> {
    let gap = |part| if options.only == Some(part) { Ok(()) } else { output::print("") };
    if options.asks_for(Part::Matrix) {
        let findings = tables::findings(rows);
        output::print(&format!("Which fences does `Ep0In` need? {} packets back to back:\n", options.packets))?;
        output::print(&tables::matrix(rows, &findings))?;
        output::print(&format!("\n{}", tables::list(&findings)))?;
        explained.show(&findings, options.explain.all())?;
    }
    if options.asks_for(Part::Paths) {
        gap(Part::Paths)?;
        output::print("The weakest fence that each path needs; its fences are made weaker one by one:\n")?;
        output::print(&tables::needs(&paths.needs))?;
        output::print("\nWhat each path's fences have to do about a data cache; one by one they do not:\n")?;
        output::print(&upkeep::text(&paths.chores))?;
        output::print("\nEach path on a bus that posts writes, and with a device whose flags come before its data:\n")?;
        output::print(&tables::quirks(&paths.quirks))?;
    }
    if options.asks_for(Part::Hosts) {
        let schedules = if options.bounds.are_asked_for() { "schedules as far as asked for" } else { "every schedule" };
        gap(Part::Hosts)?;
        output::print(&format!("Endpoint 0 against a difficult host, {schedules}:\n"))?;
        output::print(&tables::hosts(tried))?;
    }
    if tried.iter().any(Tried::is_left_open) {
        output::print(&tables::left_open(tried))?;
    }
    Ok(())
}

fn check_row(fences: Fences, packets: u8, progress: &ProgressBar) -> Row {
    progress.set_message(format!("{} {} {}", fences.machine, fences.start, fences.end));
    let row = Row::check(fences, packets);
    progress.inc(1);
    row
}

fn check_host(host: Try, bounds: &Bounds, progress: &ProgressBar) -> Tried {
    let program = Device::new(host, 8);
    progress.set_message(program.name());
    let started = Instant::now();
    let exploration = stepped::explore(&program, bounds.limits());
    progress.inc(1);
    Tried { program, exploration, time: started.elapsed(), is_bounded: bounds.are_asked_for() }
}
