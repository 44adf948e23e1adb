//! `--explain` and `--report`: failures with their lanes, and what mends them.

use std::io;
use std::path::PathBuf;

use clap::Args;
use sim_core::check::counterexample::Counterexample;
use sim_core::check::matrix::Row;
use sim_core::check::paths::Paths;
use sim_core::check::report::{Directory, Explored, Page, ReportError};
use sim_core::explore::{Program, stepped};

use super::Tried;
use super::tables::Finding;
use crate::output;

/// What is to be shown of failures.
#[derive(Clone, Debug, Default, Args)]
pub struct Wanted {
    /// Shows every finding of the matrix and of the hosts as it happened, with the two accesses, the missing order and
    /// the fix. Without it: those that were not expected, and one that was.
    #[arg(long)]
    explain: bool,
    /// Writes all verdicts and failures to DIR/index.html: one page, to be opened without a network.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Wanted {
    /// Opens the report's directory, before anything is judged.
    pub fn open(&self) -> Result<Option<Directory>, ReportError> {
        self.report.as_deref().map(Directory::open).transpose()
    }

    /// Whether all failures are shown.
    pub fn all(&self) -> bool {
        self.explain
    }
}

/// All that was judged, each with its failure.
pub struct Explained<'a> {
    rows: Vec<(&'a Row, Option<Counterexample>)>,
    paths: &'a Paths,
    tried: Vec<(&'a Tried, Option<Counterexample>)>,
}

impl<'a> Explained<'a> {
    /// Finds what each failure looks like, and what mends it.
    pub fn new(rows: &'a [Row], paths: &'a Paths, tried: &'a [Tried]) -> Self {
        let of_program = |Tried { program, exploration, .. }: &Tried| {
            Counterexample::find(program, &exploration.verdict, stepped::Limits::default())
        };
        Self {
            rows: rows.iter().map(|row| (row, row.counterexample())).collect(),
            paths,
            tried: tried.iter().map(|tried| (tried, of_program(tried))).collect(),
        }
    }

    /// The rows of the matrix.
    pub fn rows(&self) -> impl Iterator<Item = (&Row, Option<&Counterexample>)> {
        self.rows.iter().map(|(row, found)| (*row, found.as_ref()))
    }

    /// What was found of the paths.
    pub fn paths(&self) -> &Paths {
        self.paths
    }

    /// The programs with a host.
    pub fn tried(&self) -> impl Iterator<Item = (&Tried, Option<&Counterexample>)> {
        self.tried.iter().map(|(tried, found)| (*tried, found.as_ref()))
    }

    /// Writes the page, if one was asked for. Says where it is, and what went wrong.
    pub fn write(&self, directory: Option<Directory>) -> (Option<PathBuf>, Result<(), ReportError>) {
        let Some(directory) = directory else {
            return (None, Ok(()));
        };
        let programs = self.tried().map(|(tried, counterexample)| Explored {
            name: tried.program.name(),
            exploration: &tried.exploration,
            counterexample,
            is_bounded: tried.is_bounded,
        });
        let page = Page { rows: self.rows().collect(), paths: self.paths, programs: programs.collect() };
        match directory.write(&page) {
            Ok(path) => (Some(path), Ok(())),
            Err(error) => (None, Err(error)),
        }
    }

    /// Prints failures as they happened: all, or those that were not expected and a race of a fence that is too weak.
    pub fn show(&self, findings: &[Finding], all: bool) -> io::Result<()> {
        let weak = findings.iter().position(Finding::is_of_a_weak_fence);
        for (number, finding) in findings.iter().enumerate() {
            let mut rows = self.rows().filter(|(row, _)| finding.is_of(row));
            let is_shown = |row: &Row| all || Some(number) == weak || !row.is_as_expected();
            if let Some((_, Some(found))) = rows.find(|(row, _)| is_shown(row)) {
                output::print(&format!("Number {} as it happened:\n\n{found}", number + 1))?;
            }
        }
        for (tried, found) in self.tried() {
            if let Some(found) = found {
                output::print(&format!("{} as it happened:\n\n{found}", tried.program.name()))?;
            }
        }
        Ok(())
    }
}
