//! `dmacheck serial`: both directions of a serial line at once, as it happens.

use std::io;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sim_core::check::programs::Exchange;
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::machine::{Fences, Strength};
use sim_core::trace::{Trace, timeline};

use crate::Outcome;
use crate::capture;
use crate::output::{self, RunReport};
use crate::run::Schedule;

/// Options of `dmacheck serial`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  dmacheck serial
  dmacheck serial --bytes 100 --engine stepped --seed 7
  dmacheck serial --engine stepped --end none
  dmacheck serial --engine stepped --vcd serial.vcd
  gtkwave serial.vcd")]
pub struct Options {
    /// How many bytes go each way.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=Exchange::MOST_BYTES.into()))]
    bytes: u16,
    /// What the driver does before a start. The chip is a Cortex-M3, for which a compiler_fence is enough.
    #[arg(long, value_name = "FENCE", default_value_t = Strength::Compiler, value_parser = strength())]
    start: Strength,
    /// What the driver does after an end.
    #[arg(long, value_name = "FENCE", default_value_t = Strength::Compiler, value_parser = strength())]
    end: Strength,
    #[command(flatten)]
    schedule: Schedule,
    #[command(flatten)]
    capture: capture::Waveforms,
}

fn strength() -> impl TypedValueParser<Value = Strength> {
    let names = PossibleValuesParser::new(["fence", "compiler_fence", "none"]);
    names.try_map(|name| Strength::ALL.into_iter().find(|strength| strength.to_string() == name).ok_or("no such fence"))
}

/// Runs the exchange once.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    if let Err(message) = options.schedule.check() {
        return Ok(Outcome::Usage(message));
    }
    let captures = match options.capture.open() {
        Ok(captures) => captures,
        Err(message) => return Ok(Outcome::Usage(message)),
    };
    let Options { bytes, start, end, .. } = *options;
    let program = Exchange::new(bytes);
    let program = Exchange { fences: Fences { start, end, ..program.fences }, ..program };
    let (verdict, trace, violations) = options.schedule.run(&program);
    let (files, captured) = captures.write(&trace);
    if json {
        output::print_json(&RunReport::new(program.name(), &verdict, &violations, &trace).with_files(files))?;
    } else {
        show(bytes, &verdict, &trace)?;
        output::print_files(&files)?;
    }
    if let Err(message) = captured {
        return Ok(Outcome::Usage(message));
    }
    Ok(if verdict.kind() == Kind::Sound { Outcome::Expected } else { Outcome::Unexpected })
}

fn show(bytes: u16, verdict: &Verdict, trace: &Trace) -> io::Result<()> {
    let plural = if bytes == 1 { "" } else { "s" };
    output::print(&format!(
        "An STM32F103 and its peer send each other {bytes} byte{plural} at once, by DMA1 and USART1:\n"
    ))?;
    output::print(&timeline::render(trace))?;
    output::print(&match verdict {
        Verdict::Sound { .. } => "Both messages have arrived, and the monitor found nothing in this run.\n".to_owned(),
        failure => format!("{failure}\n"),
    })
}
