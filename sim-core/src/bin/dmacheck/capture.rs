//! `--pcapng` and `--vcd`: a run, written to files.
//!
//! Files are opened before the run, so that a path which cannot be written costs nothing, and what stands in them is
//! replaced after it. If that fails (a full disk), the run is printed all the same.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use sim_core::device::Chip;
use sim_core::trace::{Trace, pcapng, vcd};

/// Where a command that shows one run is to write it.
#[derive(Clone, Debug, Default, Args)]
pub struct Paths {
    /// Writes the packets on the wire to FILE, for Wireshark 4.0 or newer.
    #[arg(long, value_name = "FILE")]
    pcapng: Option<PathBuf>,
    #[command(flatten)]
    waveforms: Waveforms,
}

/// Where a command whose run has no USB packets is to write it.
#[derive(Clone, Debug, Default, Args)]
pub struct Waveforms {
    /// Writes registers, DMA and wire to FILE, as waveforms for GTKWave or Surfer.
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Pcapng,
    Vcd,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Pcapng => "pcapng",
            Self::Vcd => "vcd",
        }
    }

    fn write(self, trace: &Trace, mut file: &File) -> io::Result<()> {
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let mut out = BufWriter::new(&mut file);
        match self {
            Self::Pcapng => pcapng::write(trace, &mut out).map(drop)?,
            Self::Vcd => vcd::write(trace, &mut out)?,
        }
        out.flush()
    }
}

/// The files that a run was written to, by their format.
pub type Files = BTreeMap<&'static str, String>;

/// The files, open.
#[derive(Debug)]
pub struct Captures(Vec<(Format, PathBuf, File)>);

impl Waveforms {
    /// Opens the file: as [`Paths::open`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn open(&self) -> Result<Captures, String> {
        Paths { pcapng: None, waveforms: self.clone() }.open()
    }
}

impl Paths {
    /// Whether the run can be written in all formats that are asked for: one of this program, on this chip.
    ///
    /// # Errors
    ///
    /// Which format it has nothing for.
    pub fn check(&self, program: &str, chip: Chip) -> Result<(), String> {
        if chip == Chip::Stm32f103 && self.pcapng.is_some() {
            return Err(format!("`--pcapng` is for USB packets, and `{program}` has none: use `--vcd`"));
        }
        Ok(())
    }

    /// Opens the files. What is in them stays, until the run has something better.
    ///
    /// # Errors
    ///
    /// Which path it is, and why it cannot be written.
    pub fn open(&self) -> Result<Captures, String> {
        let asked = [(Format::Pcapng, &self.pcapng), (Format::Vcd, &self.waveforms.vcd)];
        let mut files = Vec::new();
        for (format, path) in asked {
            let Some(path) = path else {
                continue;
            };
            // Not truncated: the next path may be a bad one.
            let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
            let file = opened.map_err(|error| cannot_write(format, path, &error))?;
            files.push((format, path.clone(), file));
        }
        if let [(_, pcapng, file), (_, vcd, _)] = &files[..]
            && file.metadata().is_ok_and(|about| about.is_file())
            && fs::canonicalize(pcapng).ok() == fs::canonicalize(vcd).ok()
        {
            return Err(format!("`--pcapng` and `--vcd` are both to write `{}`", pcapng.display()));
        }
        Ok(Captures(files))
    }
}

impl Captures {
    /// Writes `trace` to all files. Says which were written, and what went wrong first with the others.
    pub fn write(self, trace: &Trace) -> (Files, Result<(), String>) {
        let (mut written, mut result) = (Files::new(), Ok(()));
        for (format, path, file) in self.0 {
            match format.write(trace, &file) {
                Ok(()) => drop(written.insert(format.name(), path.display().to_string())),
                Err(error) => result = result.and(Err(cannot_write(format, &path, &error))),
            }
        }
        (written, result)
    }
}

fn cannot_write(format: Format, path: &Path, error: &io::Error) -> String {
    format!("cannot write `{}`, which `--{}` asks for: {error}", path.display(), format.name())
}
