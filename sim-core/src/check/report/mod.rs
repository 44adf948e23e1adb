//! What was judged, as one HTML page that needs no network.
//!
//! The page is a function of the verdicts: it has no times, so that two of the same code can be compared. It has no
//! script and names no other file, and forbids itself both (Content-Security-Policy). Rows are `<details>`.
//!
//! Of `DIR` the page is `index.html`. An `index.html` that dmacheck has not written is left alone; one that it has is
//! replaced when the new one is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::counterexample::Counterexample;
use super::matrix::Row;
use super::paths::Paths;
use crate::explore::{Kind, stepped};

mod html;
mod paths;
mod svg;

/// What an `index.html` of ours begins with.
const MARK: &str = "<!doctype html>\n<!-- Written by dmacheck, which replaces it by its next report. -->\n";

/// What is on the page.
///
/// ```
/// # use sim_core::check::matrix::Row;
/// # use sim_core::check::paths::Paths;
/// # use sim_core::check::report::Page;
/// # use sim_core::machine::Fences;
/// # fn page(paths: &Paths) -> String {
/// let row = Row::check(Fences::default(), 1);
/// let page = Page { rows: vec![(&row, None)], paths, programs: Vec::new() };
/// page.html()
/// # }
/// ```
#[derive(Debug)]
pub struct Page<'a> {
    /// The rows of the matrix, each with its failure.
    pub rows: Vec<(&'a Row, Option<&'a Counterexample>)>,
    /// What was found of the paths.
    pub paths: &'a Paths,
    /// The programs that were explored by themselves.
    pub programs: Vec<Explored<'a>>,
}

/// A program on every schedule, which is to be sound.
///
/// See [`Page`] for an example.
#[derive(Debug)]
pub struct Explored<'a> {
    /// Its name.
    pub name: String,
    /// What was found.
    pub exploration: &'a stepped::Exploration,
    /// What a failure looks like.
    pub counterexample: Option<&'a Counterexample>,
    /// Less was asked for than there is.
    pub is_bounded: bool,
}

impl Explored<'_> {
    fn is_as_expected(&self) -> bool {
        self.exploration.verdict.kind() == Kind::Sound || self.is_left_open()
    }

    /// Whether nothing was found as far as was asked for: no proof.
    fn is_left_open(&self) -> bool {
        self.is_bounded && self.exploration.verdict.kind() == Kind::Inconclusive
    }
}

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        format!("{MARK}{}", html::page(self))
    }

    /// How many verdicts are as expected, how many are not, and how many are left open.
    fn counts(&self) -> [usize; 3] {
        let rows = self.rows.iter().map(|(row, _)| row.is_as_expected());
        let (open, closed): (Vec<&Explored>, Vec<&Explored>) =
            self.programs.iter().partition(|program| program.is_left_open());
        let closed = closed.into_iter();
        let all = rows.chain(self.paths.verdicts()).chain(closed.map(Explored::is_as_expected));
        let (expected, unexpected): (Vec<bool>, Vec<bool>) = all.partition(|&as_expected| as_expected);
        [expected.len(), unexpected.len(), open.len()]
    }
}

/// Why there is no report.
///
/// See [`Directory`] for an example.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Something else has the name.
    #[error("`{}` is no directory: name one for the report, or a path where none is yet", .0.display())]
    NoDirectory(PathBuf),
    /// Somebody else's page.
    #[error("`{}` is there, and dmacheck has not written it: name another directory", .0.display())]
    Foreign(PathBuf),
    /// The file system does not let us.
    #[error("cannot write `{}`: {cause}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// A directory that a report can be written to: it was tried.
///
/// ```
/// # use std::path::Path;
/// # use sim_core::check::report::{Directory, ReportError};
/// let in_the_way = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
/// assert!(Directory::open(&in_the_way).is_err(), "that is a file");
/// ```
#[derive(Debug)]
pub struct Directory {
    index: PathBuf,
    /// The new page, until it is complete.
    draft: PathBuf,
    file: File,
}

impl Directory {
    /// Makes the directory, unless it is there. What is in it stays.
    ///
    /// # Errors
    ///
    /// [`ReportError::NoDirectory`], [`ReportError::Foreign`], and [`ReportError::Write`] if no file can be made there.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        if fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
            return Err(ReportError::NoDirectory(path.to_owned()));
        }
        fs::create_dir_all(path).map_err(|cause| ReportError::Write { path: path.to_owned(), cause })?;
        let index = path.join("index.html");
        check_ours(&index)?;
        let draft = path.join(format!(".dmacheck-{}.html", std::process::id()));
        let opened = OpenOptions::new().write(true).create_new(true).open(&draft);
        let file = opened.map_err(|cause| ReportError::Write { path: draft.clone(), cause })?;
        Ok(Self { index, draft, file })
    }

    /// Writes the page, and says where it is. Nothing is lost if this fails: the page of before is replaced at the end.
    ///
    /// # Errors
    ///
    /// [`ReportError::Foreign`] if somebody else has put a page there since, and [`ReportError::Write`].
    pub fn write(mut self, page: &Page) -> Result<PathBuf, ReportError> {
        check_ours(&self.index)?;
        let written = self.file.write_all(page.html().as_bytes()).and_then(|()| fs::rename(&self.draft, &self.index));
        written.map_err(|cause| ReportError::Write { path: self.index.clone(), cause })?;
        Ok(self.index.clone())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It is gone if it has become the page.
        let _ = fs::remove_file(&self.draft);
    }
}

/// Nothing is at `index`, or a page of ours.
fn check_ours(index: &Path) -> Result<(), ReportError> {
    let foreign = || Err(ReportError::Foreign(index.to_owned()));
    match fs::symlink_metadata(index) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(found) if found.is_file() => {}
        _ => return foreign(),
    }
    let mut begin = vec![0; MARK.len()];
    let read = File::open(index).and_then(|mut file| file.read_exact(&mut begin));
    if read.is_ok() && begin == MARK.as_bytes() { Ok(()) } else { foreign() }
}

#[cfg(test)]
mod tests;
