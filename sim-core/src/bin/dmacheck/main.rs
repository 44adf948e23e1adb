//! `dmacheck`: runs drivers against emulated DMA, and says what it found.

use std::io;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod capture;
mod catalogue;
mod check;
mod output;
mod replay;
mod run;
mod serial;
mod usb;

/// Checks DMA drivers on emulated chips: every schedule, every ordering.
///
/// Without a command: shows a control read on real threads, then judges every fence on every machine.
#[derive(Debug, Parser)]
#[command(
    name = "dmacheck",
    version,
    about,
    after_help = "\
Examples:
  dmacheck
  dmacheck check --only matrix --explain
  dmacheck usb --engine stepped --seed 7 --vcd run.vcd
  dmacheck catalogue c016
  dmacheck help check

Exit status: 0 all as expected, or left open by a bound; 1 an unexpected verdict; 2 bad usage."
)]
struct Command {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Args)]
struct Format {
    /// Prints JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Judges every fence on every machine, the paths of dma-api, and endpoint 0 against a difficult host.
    Check(check::Options),
    /// Shows a host that reads the device descriptor: registers, DMA beats and tokens.
    Usb(usb::Options),
    /// Shows an STM32F103 that sends and receives at once: registers, DMA items and frames.
    Serial(serial::Options),
    /// Runs the known mistakes that these chips can show, each with its right twin.
    Catalogue(catalogue::Options),
    /// Runs a failure again, from the string that it was reported with.
    Replay(replay::Options),
}

/// How a command ended.
enum Outcome {
    /// All as expected.
    Expected,
    /// Something was not.
    Unexpected,
    /// The command line asks for something that cannot be done.
    Usage(String),
}

fn run(command: Command) -> io::Result<Outcome> {
    let json = command.format.json;
    match command.what {
        Some(What::Check(options)) => check::run(&options, json),
        Some(What::Usb(options)) => usb::run(&options, json),
        Some(What::Serial(options)) => serial::run(&options, json),
        Some(What::Catalogue(options)) => catalogue::run(&options, json),
        Some(What::Replay(options)) => replay::run(&options, json),
        None if json => check::run(&check::Options::default(), json),
        None => {
            let shown = usb::run(&usb::Options::default(), json)?;
            let checked = check::run(&check::Options::default(), json)?;
            Ok(if matches!(shown, Outcome::Expected) { checked } else { shown })
        }
    }
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(Outcome::Expected) => ExitCode::SUCCESS,
        Ok(Outcome::Unexpected) => ExitCode::from(1),
        Ok(Outcome::Usage(message)) => {
            output::complain(&message);
            ExitCode::from(2)
        }
        // Whoever reads the output has seen enough: `dmacheck | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("cannot write the output: {error}"));
            ExitCode::from(1)
        }
    }
}
