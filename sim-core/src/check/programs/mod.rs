//! The programs that dmacheck brings along: firmware, and hosts that try it.
//!
//! Each has a name that holds all its parameters, so that a replay string can be run: [`Builtin::by_name`].

use super::interrupt::InterruptDevice;
use super::{firmware, loopback as loopback_firmware};
use crate::device::Chip;
use crate::explore::replay::{Recording, ReplayError};
use crate::explore::stepped;
use crate::host::HostError;
use crate::machine::{Fences, Machine, Strength};

mod back_to_back;
mod device;
mod exchange;
mod loopback;
mod transfer;

pub use back_to_back::{BackToBack, begin_control_read, connect};
pub use device::{Device, Try};
pub use exchange::Exchange;
pub use loopback::Echo;
pub use transfer::{Path, Transfer};

fn expect(got: &[u8], expected: &[u8]) -> Result<(), HostError> {
    if got == expected {
        return Ok(());
    }
    Err(HostError::Unexpected(format!("the device sent {got:02x?} where {expected:02x?} was due")))
}

/// `cortex-m4:compiler_fence:none`: a part of a program's name.
fn name_of_fences(Fences { machine, start, end }: Fences) -> String {
    format!("{machine}:{start}:{end}")
}

fn fences_by_name(name: &str) -> Option<Fences> {
    let parts: Vec<&str> = name.split(':').collect();
    let [machine, start, end] = parts[..] else {
        return None;
    };
    let machine = Machine::ALL.into_iter().find(|candidate| candidate.to_string() == machine)?;
    let strength = |text| Strength::ALL.into_iter().find(|candidate| candidate.to_string() == text);
    Some(Fences { machine, start: strength(start)?, end: strength(end)? })
}

/// A program that can be found by its name.
///
/// ```
/// # use sim_core::check::programs::Builtin;
/// # use sim_core::device::Chip;
/// let program = Builtin::by_name("exchange:1:cortex-m4:compiler_fence:compiler_fence").unwrap();
/// assert_eq!(program.chip(), Chip::Stm32f103);
/// assert_eq!(Builtin::by_name("exchange"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// See [`BackToBack`].
    BackToBack(BackToBack),
    /// See [`Device`].
    Device(Device),
    /// See [`Echo`].
    Echo(Echo),
    /// See [`Exchange`].
    Exchange(Exchange),
    /// See [`InterruptDevice`].
    InterruptDevice(InterruptDevice),
}

impl Builtin {
    /// The program of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        let (kind, parameters) = name.split_once(':')?;
        match kind {
            "back-to-back" => BackToBack::by_name(parameters).map(Self::BackToBack),
            "device" => Device::by_name(parameters).map(Self::Device),
            "interrupt-device" => Device::by_name(parameters).map(InterruptDevice).map(Self::InterruptDevice),
            "echo" => Echo::by_name(parameters).map(Self::Echo),
            "exchange" => Exchange::by_name(parameters).map(Self::Exchange),
            _ => None,
        }
    }

    /// The chip that it runs on.
    pub fn chip(&self) -> Chip {
        if matches!(self, Self::Exchange(_)) { Chip::Stm32f103 } else { Chip::Nrf52840 }
    }

    /// Runs it by the choices of a replay string.
    ///
    /// # Errors
    ///
    /// As [`stepped::replay`].
    pub fn replay(&self, recording: &Recording) -> Result<stepped::Run, ReplayError> {
        match self {
            Self::BackToBack(program) => stepped::replay(program, recording),
            Self::Device(program) => stepped::replay(program, recording),
            Self::InterruptDevice(program) => stepped::replay(program, recording),
            Self::Echo(program) => stepped::replay(program, recording),
            Self::Exchange(program) => stepped::replay(program, recording),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Program;
    use crate::host::enumerate::OperatingSystem;

    #[test]
    fn every_program_is_found_by_its_name() {
        let fences = Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::None };
        let program = BackToBack { packets: 2, length: 8, fences };
        assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::BackToBack(program)));
        let program = Exchange { bytes: 8, fences };
        assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::Exchange(program)));
        for host in Try::ALL {
            let program = Device::new(host, 18);
            assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::Device(program.clone())));
            let program = InterruptDevice(program);
            assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::InterruptDevice(program)));
        }
        for system in OperatingSystem::ALL {
            let program = Echo::new(system, 130);
            assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::Echo(program)));
        }
    }

    #[test]
    fn name_of_no_program_is_not_found() {
        for name in ["", "device", "device:reset", "device:reset:x", "back-to-back:2x8:cortex-m4:fence", "x:y"] {
            assert_eq!(Builtin::by_name(name), None, "{name}");
        }
        for length in ["0", "65"] {
            let name = format!("back-to-back:1x{length}:cortex-m4:fence:fence");
            assert_eq!(Builtin::by_name(&name), None, "{name}: no packet, longer than one");
        }
        // Memory for so many would end the process.
        for length in [Echo::MOST_BYTES + 1, usize::MAX] {
            let name = Echo::new(OperatingSystem::Linux, length).name();
            assert_eq!(Builtin::by_name(&name), None, "{name}");
        }
        for name in ["exchange:1", "exchange:1:cortex-m4:fence", "exchange:x:cortex-m4:fence:fence"] {
            assert_eq!(Builtin::by_name(name), None, "{name}");
        }
        for bytes in [0, Exchange::MOST_BYTES + 1] {
            let name = Exchange::new(bytes).name();
            assert_eq!(Builtin::by_name(&name), None, "{name}: too few, too many");
        }
    }
}
