//! A case as bytes: what a fuzzer makes.
//!
//! | byte | what |
//! |---|---|
//! | 0 | the machine (value modulo 3); bit 7: careful |
//! | 1 to 4 | the schedule's seed, little-endian |
//! | then | one operation after the other: which, modulo 17; then its parameter, where there is one |
//!
//! Any bytes are a case: what is out of range is brought into it, what is missing is 0, what is too much is left out.
//! Small changes of the bytes are small changes of the case, which is what a fuzzer needs: the two lists are mixed, so
//! that an operation can be inserted without moving a boundary.

use sim_core::machine::Machine;

use crate::operations::{Case, HostOperation, LONGEST_START, LONGEST_WAIT, MOST_OPERATIONS, Operation, Request};

const CAREFUL: u8 = 0x80;

enum Either {
    Cpu(Operation),
    Host(HostOperation),
}

/// The operation of this byte; `parameter` gives the next one.
fn operation(byte: u8, mut parameter: impl FnMut() -> u8) -> Either {
    match byte % 16 {
        0 => Either::Cpu(Operation::Start(parameter() % (LONGEST_START + 1))),
        1 => Either::Cpu(Operation::StartZeroLength),
        2 => Either::Cpu(Operation::End),
        3 => Either::Cpu(Operation::Abort),
        4 => Either::Cpu(Operation::Busy),
        5 => Either::Cpu(Operation::NextEvent),
        6 => Either::Cpu(Operation::Accept),
        7 => Either::Cpu(Operation::Stall),
        8 => Either::Cpu(Operation::TakeApart),
        9 => Either::Cpu(Operation::Wait(parameter() % (LONGEST_WAIT + 1))),
        10 => Either::Host(HostOperation::Reset),
        11 => Either::Host(HostOperation::Setup(Request::Read(parameter().max(1)))),
        12 => Either::Host(HostOperation::Setup(Request::NoData)),
        13 => Either::Host(HostOperation::Setup(Request::SetAddress)),
        14 => Either::Host(HostOperation::InOnce),
        _ => Either::Host(HostOperation::OutStatusOnce),
    }
}

fn cpu_bytes(operation: Operation) -> Vec<u8> {
    match operation {
        Operation::Start(length) => vec![0, length],
        Operation::StartZeroLength => vec![1],
        Operation::End => vec![2],
        Operation::Abort => vec![3],
        Operation::Busy => vec![4],
        Operation::NextEvent => vec![5],
        Operation::Accept => vec![6],
        Operation::Stall => vec![7],
        Operation::TakeApart => vec![8],
        Operation::Wait(polls) => vec![9, polls],
    }
}

fn host_bytes(operation: HostOperation) -> Vec<u8> {
    match operation {
        HostOperation::Reset => vec![10],
        HostOperation::Setup(Request::Read(length)) => vec![11, length],
        HostOperation::Setup(Request::NoData) => vec![12],
        HostOperation::Setup(Request::SetAddress) => vec![13],
        HostOperation::InOnce => vec![14],
        HostOperation::OutStatusOnce => vec![15],
    }
}

/// What each case begins with: a byte for the machine, the schedule's seed; and what comes after it.
pub(crate) fn head(bytes: &[u8]) -> (u8, u32, &[u8]) {
    let byte = |index| bytes.get(index).copied().unwrap_or_default();
    (byte(0), u32::from_le_bytes([byte(1), byte(2), byte(3), byte(4)]), bytes.get(5..).unwrap_or_default())
}

/// The machine that a byte says.
pub(crate) fn machine_of(byte: u8) -> Machine {
    Machine::ALL[usize::from(byte) % Machine::ALL.len()]
}

/// The byte that says a machine.
pub(crate) fn machine_byte(machine: Machine) -> u8 {
    let index = Machine::ALL.iter().position(|&candidate| candidate == machine).unwrap_or_default();
    index.to_le_bytes()[0]
}

/// The case that these bytes say.
pub fn decode(bytes: &[u8]) -> Case {
    let (head, schedule, rest) = head(bytes);
    let mut bytes = rest.iter().copied();
    let (mut cpu, mut host) = (Vec::new(), Vec::new());
    while let Some(byte) = bytes.next() {
        match operation(byte, || bytes.next().unwrap_or_default()) {
            Either::Cpu(operation) => cpu.push(operation),
            Either::Host(operation) => host.push(operation),
        }
    }
    cpu.truncate(MOST_OPERATIONS);
    host.truncate(MOST_OPERATIONS);
    Case { cpu, host, machine: machine_of(head & !CAREFUL), careful: head & CAREFUL != 0, schedule }
}

/// Bytes that say this case.
pub fn encode(case: &Case) -> Vec<u8> {
    let careful = if case.careful { CAREFUL } else { 0 };
    let mut bytes = vec![machine_byte(case.machine) | careful];
    bytes.extend(case.schedule.to_le_bytes());
    bytes.extend(case.host.iter().copied().flat_map(host_bytes));
    bytes.extend(case.cpu.iter().copied().flat_map(cpu_bytes));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_bytes() {
        let name = "ep0in:multi-core:careful:S0S70ZEABNCTPW0W8:RQ1Q255DLIO";
        let case = Case::by_name(name, 0x0403_0201).expect("it is a name");
        assert_eq!(decode(&encode(&case)), case);
    }

    #[test]
    fn bytes_that_are_missing_are_zero() {
        assert_eq!(decode(&[]).name(), "ep0in:cortex-m4:reckless::");
        assert_eq!(decode(&[0x81, 1, 0, 0, 0, 0]).name(), "ep0in:cortex-m7:careful:S0:");
        assert_eq!(decode(&[0, 0, 0, 0, 0, 11]).name(), "ep0in:cortex-m4:reckless::Q1");
    }

    #[test]
    fn operations_that_are_too_many_are_left_out() {
        let case = decode(&[0x0E; 500]);
        assert_eq!((case.cpu.len(), case.host.len()), (0, MOST_OPERATIONS));
    }
}
