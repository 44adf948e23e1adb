//! `dmacheck replay`: a failure, again.

use std::io;

use clap::Args;
use sim_core::catalogue::Attempt;
use sim_core::check::programs::Builtin;
use sim_core::device::Chip;
use sim_core::explore::replay::{Recording, ReplayError};
use sim_core::explore::{Kind, stepped};
use sim_core::trace::timeline;

use crate::Outcome;
use crate::capture;
use crate::output::{self, RunReport};

/// Options of `dmacheck replay`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  dmacheck replay d1.back-to-back:2x8:cortex-m7:compiler_fence:fence.12a.56fc1b76
  dmacheck replay d1.back-to-back:2x8:cortex-m7:compiler_fence:fence.12a.56fc1b76 --vcd race.vcd

Exit status: 0 the run is sound, 1 it failed again, 2 the string brings nothing back.")]
pub struct Options {
    /// The string, from `d1.` to its end.
    replay: String,
    #[command(flatten)]
    capture: capture::Paths,
}

/// A program that a string of ours may be of.
enum Known {
    Builtin(Builtin),
    Catalogue(Attempt),
}

impl Known {
    fn by_name(name: &str) -> Option<Self> {
        let builtin = Builtin::by_name(name).map(Self::Builtin);
        builtin.or_else(|| Attempt::by_name(name).map(Self::Catalogue))
    }

    fn chip(&self) -> Chip {
        match self {
            Self::Builtin(program) => program.chip(),
            Self::Catalogue(attempt) => attempt.chip(),
        }
    }

    fn replay(&self, recording: &Recording) -> Result<stepped::Run, ReplayError> {
        match self {
            Self::Builtin(program) => program.replay(recording),
            Self::Catalogue(attempt) => attempt.replay(recording),
        }
    }
}

/// Runs the program of a replay string by its choices, and shows what happened.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    let recording: Recording = match options.replay.parse() {
        Ok(recording) => recording,
        Err(error) => return Ok(Outcome::Usage(error.to_string())),
    };
    let name = &recording.program;
    let Some(program) = Known::by_name(name) else {
        let message = format!(
            "the string is of the program `{name}`, which is not one of dmacheck's: replay it in its own test, with \
             `sim_core::replay` (closures) or `explore::stepped::replay`"
        );
        return Ok(Outcome::Usage(message));
    };
    if let Err(message) = options.capture.check(name, program.chip()) {
        return Ok(Outcome::Usage(message));
    }
    let captures = match options.capture.open() {
        Ok(captures) => captures,
        Err(message) => return Ok(Outcome::Usage(message)),
    };
    let run = match program.replay(&recording) {
        Ok(run) => run,
        Err(error) => return Ok(Outcome::Usage(error.to_string())),
    };
    let (files, captured) = captures.write(&run.trace);
    if json {
        let report = RunReport::new(name.clone(), &run.verdict, &run.violations, &run.trace);
        output::print_json(&report.with_files(files))?;
    } else {
        output::print(&format!("{name}, {} choices:\n", run.choices.len()))?;
        output::print(&timeline::render(&run.trace))?;
        output::print(&run.verdict.to_string())?;
        output::print_files(&files)?;
    }
    if let Err(message) = captured {
        return Ok(Outcome::Usage(message));
    }
    Ok(if run.verdict.kind() == Kind::Sound { Outcome::Expected } else { Outcome::Unexpected })
}
