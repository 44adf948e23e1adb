//! `dmacheck usb`: a host and a device, as it happens.

use std::io;

use clap::{Args, ValueEnum};
use sim_core::check::programs::{Device, Echo, Try};
use sim_core::explore::{Kind, Program, Verdict};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::trace::{Trace, timeline};

use crate::Outcome;
use crate::capture;
use crate::output::{self, RunReport};
use crate::run::Schedule;

/// Whose order a host enumerates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HostOrder {
    /// Linux 5 and 6.
    Linux,
    /// Windows 7 to 11.
    Windows,
    /// macOS 10.15 and later.
    Macos,
}

impl From<HostOrder> for OperatingSystem {
    fn from(order: HostOrder) -> Self {
        match order {
            HostOrder::Linux => Self::Linux,
            HostOrder::Windows => Self::Windows,
            HostOrder::Macos => Self::MacOs,
        }
    }
}

/// How many bytes a host that enumerates has the device echo: two packets and a short one.
const ECHO_LENGTH: usize = 130;

/// Options of `dmacheck usb`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  dmacheck usb
  dmacheck usb --engine stepped --seed 7
  dmacheck usb --host windows --pcapng out.pcapng
  dmacheck usb --engine stepped --pcapng usb.pcapng --vcd usb.vcd
  wireshark usb.pcapng
  gtkwave usb.vcd")]
pub struct Options {
    /// Enumerates a device as this operating system does, and has it echo 130 bytes. Without it: one control read.
    #[arg(long, value_enum)]
    host: Option<HostOrder>,
    #[command(flatten)]
    schedule: Schedule,
    #[command(flatten)]
    capture: capture::Paths,
}

/// Runs a device once, with its host.
pub fn run(options: &Options, json: bool) -> io::Result<Outcome> {
    if let Err(message) = options.schedule.check() {
        return Ok(Outcome::Usage(message));
    }
    let captures = match options.capture.open() {
        Ok(captures) => captures,
        Err(message) => return Ok(Outcome::Usage(message)),
    };
    let (title, name, (verdict, trace, violations)) = match options.host {
        Some(order) => {
            let program = Echo::new(order.into(), ECHO_LENGTH);
            let title = format!("A host enumerates a device as {} does, and has it echo bytes:", program.system);
            (title, program.name(), options.schedule.run(&program))
        }
        None => {
            let program = Device::new(Try::ControlRead, 18);
            let title = "A host reads the device descriptor and sets the address, through `Ep0In`:".to_owned();
            (title, program.name(), options.schedule.run(&program))
        }
    };
    let (files, captured) = captures.write(&trace);
    if json {
        output::print_json(&RunReport::new(name, &verdict, &violations, &trace).with_files(files))?;
    } else {
        show(&title, &verdict, &trace)?;
        output::print_files(&files)?;
    }
    if let Err(message) = captured {
        return Ok(Outcome::Usage(message));
    }
    Ok(if verdict.kind() == Kind::Sound { Outcome::Expected } else { Outcome::Unexpected })
}

fn show(title: &str, verdict: &Verdict, trace: &Trace) -> io::Result<()> {
    output::print(&format!("{title}\n"))?;
    output::print(&timeline::render(trace))?;
    output::print(&match verdict {
        Verdict::Sound { .. } => {
            "The host has what it asked for, and the monitor found nothing in this run.\n".to_owned()
        }
        failure => format!("{failure}\n"),
    })
}
