//! What the explorers explore: a program for chip and host.

use super::Board;
use crate::host::{Host, Script};
use crate::soc::{Config, Soc};

/// A program for chip and host: what the explorers explore.
///
/// See the [crate](crate#check-a-driver) for an example.
pub trait Program {
    /// The program's name, which a replay string carries. It identifies the program with all its parameters, and has no
    /// dot and no white space.
    fn name(&self) -> String;

    /// The system it runs on.
    fn config(&self) -> Config;

    /// What the system has gone through before the firmware starts. Nothing, unless you say so.
    fn prepare(&self, _soc: &mut Soc) {}

    /// What runs on the chip's CPU.
    fn firmware<B: Board>(&self, board: B);

    /// What the host does.
    fn host(&self, host: Host) -> Script;
}

/// A program for the boards of one explorer. Every [`Program`] is one, for all of them; closures, which take a board of
/// one type, are one for that.
///
/// See the [crate](crate#check-a-driver) for an example.
pub trait ProgramOn<B> {
    /// As [`Program::name`].
    fn name(&self) -> String;

    /// As [`Program::config`].
    fn config(&self) -> Config;

    /// As [`Program::prepare`].
    fn prepare(&self, soc: &mut Soc);

    /// As [`Program::firmware`].
    fn firmware(&self, board: B);

    /// As [`Program::host`].
    fn host(&self, host: Host) -> Script;
}

impl<P: Program, B: Board> ProgramOn<B> for P {
    fn name(&self) -> String {
        Program::name(self)
    }

    fn config(&self) -> Config {
        Program::config(self)
    }

    fn prepare(&self, soc: &mut Soc) {
        Program::prepare(self, soc);
    }

    fn firmware(&self, board: B) {
        Program::firmware(self, board);
    }

    fn host(&self, host: Host) -> Script {
        Program::host(self, host)
    }
}
