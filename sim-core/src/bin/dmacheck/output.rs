//! What all commands print alike.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde::Serialize;
use sim_core::explore::{Kind, Verdict};
use sim_core::monitor::Violation;
use sim_core::trace::{Trace, timeline};

use crate::capture::Files;

/// Prints text; colours go to terminals only.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints one JSON document.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    print(&text)
}

/// Says which files a run was written to.
pub fn print_files(files: &Files) -> io::Result<()> {
    files.iter().try_for_each(|(format, path)| print(&format!("{format}: {path}")))
}

/// Prints an error, to where errors go.
pub fn complain(message: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    // There is nobody left to tell if this fails.
    let _ = writeln!(anstream::stderr(), "{style}dmacheck:{style:#} {message}");
}

/// A verdict in its colour, for a table.
pub fn verdict_cell(kind: Kind, as_expected: bool) -> Cell {
    let colour = match kind {
        _ if !as_expected => Color::Red,
        Kind::Sound => Color::Green,
        _ => Color::Yellow,
    };
    Cell::new(kind).fg(colour)
}

/// One run, for JSON.
#[derive(Serialize)]
pub struct RunReport {
    program: String,
    verdict: Kind,
    message: String,
    violations: Vec<String>,
    timeline: Vec<String>,
    files: Files,
}

impl RunReport {
    /// The report of a run.
    pub fn new(program: String, verdict: &Verdict, violations: &[Violation], trace: &Trace) -> Self {
        let plain = anstream::adapter::strip_str(&timeline::render(trace)).to_string();
        Self {
            program,
            verdict: verdict.kind(),
            message: verdict.to_string(),
            violations: violations.iter().map(Violation::to_string).collect(),
            timeline: plain.lines().skip(1).map(|line| line.trim_end().to_owned()).collect(),
            files: Files::new(),
        }
    }

    /// The same, of a run that was written to `files`.
    pub fn with_files(self, files: Files) -> Self {
        Self { files, ..self }
    }
}

/// An empty table with this head, so many columns wide where the output is no terminal.
pub fn table(width: u16, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(width);
    }
    table.set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
