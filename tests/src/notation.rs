//! A case as text: what a replay string carries, and what a test is pasted from.
//!
//! `ep0in:cortex-m4:careful:NS8E:RQ18I` is machine, manner, what the CPU does, what the host does. A letter is an
//! operation, the number after it its parameter.
//!
//! | CPU | | host | |
//! |---|---|---|---|
//! | `S8` | start, 8 bytes | `R` | reset |
//! | `Z` | start, zero length | `Q18` | SETUP: read of 18 bytes |
//! | `E` | end | `D` | SETUP: no data |
//! | `A` | abort | `L` | SETUP: SET_ADDRESS |
//! | `B` | busy | `I` | IN once |
//! | `N` | next event | `O` | OUT status once |
//! | `C` | accept | | |
//! | `T` | stall | | |
//! | `P` | take apart | | |
//! | `U` | connect | | |
//! | `W3` | wait, 3 polls | | |

use std::fmt::{self, Display};

use sim_core::machine::Machine;

use crate::operations::{Case, HostOperation, LONGEST_START, LONGEST_WAIT, MOST_OPERATIONS, Operation, Request};

/// What each name begins with.
const DRIVER: &str = "ep0in";

impl Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(length) => write!(f, "S{length}"),
            Self::StartZeroLength => f.write_str("Z"),
            Self::End => f.write_str("E"),
            Self::Abort => f.write_str("A"),
            Self::Busy => f.write_str("B"),
            Self::NextEvent => f.write_str("N"),
            Self::Accept => f.write_str("C"),
            Self::Stall => f.write_str("T"),
            Self::TakeApart => f.write_str("P"),
            Self::Wait(polls) => write!(f, "W{polls}"),
        }
    }
}

impl Display for HostOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("R"),
            Self::Setup(Request::Read(length)) => write!(f, "Q{length}"),
            Self::Setup(Request::NoData) => f.write_str("D"),
            Self::Setup(Request::SetAddress) => f.write_str("L"),
            Self::InOnce => f.write_str("I"),
            Self::OutStatusOnce => f.write_str("O"),
        }
    }
}

fn operation(letter: char, number: Option<u8>) -> Option<Operation> {
    Some(match (letter, number) {
        ('S', Some(length)) if length <= LONGEST_START => Operation::Start(length),
        ('Z', None) => Operation::StartZeroLength,
        ('E', None) => Operation::End,
        ('A', None) => Operation::Abort,
        ('B', None) => Operation::Busy,
        ('N', None) => Operation::NextEvent,
        ('C', None) => Operation::Accept,
        ('T', None) => Operation::Stall,
        ('P', None) => Operation::TakeApart,
        ('W', Some(polls)) if polls <= LONGEST_WAIT => Operation::Wait(polls),
        _ => return None,
    })
}

fn host_operation(letter: char, number: Option<u8>) -> Option<HostOperation> {
    Some(match (letter, number) {
        ('R', None) => HostOperation::Reset,
        ('Q', Some(length @ 1..)) => HostOperation::Setup(Request::Read(length)),
        ('D', None) => HostOperation::Setup(Request::NoData),
        ('L', None) => HostOperation::Setup(Request::SetAddress),
        ('I', None) => HostOperation::InOnce,
        ('O', None) => HostOperation::OutStatusOnce,
        _ => return None,
    })
}

/// Letters, each with a number after it or none.
pub(crate) fn parse<T>(text: &str, item: fn(char, Option<u8>) -> Option<T>) -> Option<Vec<T>> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = if digits == 0 { None } else { Some(after[..digits].parse().ok()?) };
        items.push(item(letter, number)?);
        rest = &after[digits..];
    }
    (items.len() <= MOST_OPERATIONS).then_some(items)
}

pub(crate) fn join<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect()
}

/// The machine with this name.
pub(crate) fn machine_of(name: &str) -> Option<Machine> {
    Machine::ALL.into_iter().find(|machine| machine.to_string() == name)
}

impl Case {
    /// The case without its schedule, as text: no dot, no white space.
    pub fn name(&self) -> String {
        let manner = if self.careful { "careful" } else { "reckless" };
        format!("{DRIVER}:{}:{manner}:{}:{}", self.machine, join(&self.cpu), join(&self.host))
    }

    /// The case with this name and this schedule. `None` if nothing has this name.
    pub fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let parts: Vec<&str> = name.split(':').collect();
        let [DRIVER, machine, manner, cpu, host] = parts[..] else {
            return None;
        };
        let machine = machine_of(machine)?;
        let careful = match manner {
            "careful" => true,
            "reckless" => false,
            _ => return None,
        };
        Some(Self { cpu: parse(cpu, operation)?, host: parse(host, host_operation)?, machine, careful, schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_name() {
        let name = "ep0in:cortex-m7:careful:S0S70ZEABNCTPW0W8:RQ1Q255DLIO";
        let case = Case::by_name(name, 5).expect("it has every letter, and every parameter at its limits");
        assert_eq!(case.name(), name);
        assert_eq!((case.cpu.len(), case.host.len(), case.schedule), (12, 7, 5));
    }

    #[test]
    fn name_that_says_something_else_is_refused() {
        let refused = [
            "",
            "ep0in:cortex-m4:careful:E",
            "ep0out:cortex-m4:careful:E:I",
            "ep0in:cortex-m5:careful:E:I",
            "ep0in:cortex-m4:hasty:E:I",
            "ep0in:cortex-m4:careful:S:I",
            "ep0in:cortex-m4:careful:S71:I",
            "ep0in:cortex-m4:careful:S999:I",
            "ep0in:cortex-m4:careful:E1:I",
            "ep0in:cortex-m4:careful:I:I",
            "ep0in:cortex-m4:careful:É:I",
            "ep0in:cortex-m4:careful:E:Q0",
            "ep0in:cortex-m4:careful:E:I:forgets-acquire",
        ];
        for name in refused {
            assert_eq!(Case::by_name(name, 0), None, "{name}");
        }
    }

    #[test]
    fn more_operations_than_a_case_has_are_refused() {
        let name = |count| format!("ep0in:multi-core:reckless:{}:", "E".repeat(count));
        assert!(Case::by_name(&name(MOST_OPERATIONS), 0).is_some());
        assert!(Case::by_name(&name(MOST_OPERATIONS + 1), 0).is_none());
    }
}
