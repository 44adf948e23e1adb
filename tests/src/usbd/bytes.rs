//! A case as bytes: what a fuzzer makes.
//!
//! | byte | what |
//! |---|---|
//! | 0 | the machine (value modulo 3), and the wire (value / 3, modulo 3) |
//! | 1 to 4 | the schedule's seed, little-endian |
//! | then | one operation after the other, two bytes each: which (modulo 41), and its parameter |
//!
//! Any bytes are a case: what is out of range is brought into it, what is missing is 0, what cannot come where it
//! stands is left out. The lists of CPU and host are mixed, as in [`crate::bytes`].

use crate::bytes::{head, machine_byte, machine_of};
use crate::usbd::operations::{
    Case, Fate, HostOperation, MOST_OPERATIONS, MOST_POLLS, Noise, Operation, PACKET, Pipe, Reference, SLOTS, Way,
};

enum Either {
    Cpu(Operation),
    Host(HostOperation),
}

/// How many kinds of operations an endpoint has, in one direction.
const KINDS_OF_A_WAY: u8 = 14;

/// How many kinds of operations there are.
const KINDS: u8 = 2 * KINDS_OF_A_WAY + 13;

const FATES: [Fate; 4] = [Fate::Wait, Fate::End, Fate::Drop, Fate::Forget];

fn of_way(way: Way, kind: u8, slot: u8) -> Operation {
    match kind {
        0..4 => Operation::Transfer(Pipe::Bulk, way, slot, FATES[usize::from(kind)]),
        4..8 => Operation::Transfer(Pipe::Isochronous, way, slot, FATES[usize::from(kind - 4)]),
        8 => Operation::Copy(way, slot),
        9 => Operation::Ask(Pipe::Bulk, way),
        10 => Operation::Ask(Pipe::Isochronous, way),
        11 => Operation::Halt(way),
        12 => Operation::Close(Pipe::Bulk, way),
        _ => Operation::Close(Pipe::Isochronous, way),
    }
}

fn operation(kind: u8, parameter: u8) -> Either {
    let slot = parameter % SLOTS.len().to_le_bytes()[0];
    let host = match kind % KINDS {
        kind @ 0..KINDS_OF_A_WAY => return Either::Cpu(of_way(Way::In, kind, slot)),
        kind @ KINDS_OF_A_WAY..28 => return Either::Cpu(of_way(Way::Out, kind - KINDS_OF_A_WAY, slot)),
        28 => return Either::Cpu(Operation::Serve),
        29 => return Either::Cpu(Operation::Access(slot)),
        30 => return Either::Cpu(Operation::Pause(parameter % (MOST_POLLS + 1))),
        31 => HostOperation::Reset,
        32 => HostOperation::Configure,
        33 => HostOperation::Suspend,
        34 => HostOperation::Out(1 + parameter % PACKET),
        35 => HostOperation::In,
        36 => HostOperation::LoseHandshake,
        37 => HostOperation::IsochronousOut(parameter % (PACKET + 1)),
        38 => HostOperation::IsochronousIn,
        39 => HostOperation::Frame,
        _ => HostOperation::Corrupt,
    };
    Either::Host(host)
}

fn cpu_bytes(operation: Operation) -> [u8; 2] {
    let of_way = |way, kind, slot| [if way == Way::In { kind } else { kind + KINDS_OF_A_WAY }, slot];
    let number = |fate| match fate {
        Fate::Wait => 0,
        Fate::End => 1,
        Fate::Drop => 2,
        Fate::Forget => 3,
    };
    match operation {
        Operation::Transfer(Pipe::Bulk, way, slot, fate) => of_way(way, number(fate), slot),
        Operation::Transfer(Pipe::Isochronous, way, slot, fate) => of_way(way, 4 + number(fate), slot),
        Operation::Copy(way, slot) => of_way(way, 8, slot),
        Operation::Ask(Pipe::Bulk, way) => of_way(way, 9, 0),
        Operation::Ask(Pipe::Isochronous, way) => of_way(way, 10, 0),
        Operation::Halt(way) => of_way(way, 11, 0),
        Operation::Close(Pipe::Bulk, way) => of_way(way, 12, 0),
        Operation::Close(Pipe::Isochronous, way) => of_way(way, 13, 0),
        Operation::Serve => [28, 0],
        Operation::Access(slot) => [29, slot],
        Operation::Pause(polls) => [30, polls],
    }
}

fn host_bytes(operation: HostOperation) -> [u8; 2] {
    match operation {
        HostOperation::Reset => [31, 0],
        HostOperation::Configure => [32, 0],
        HostOperation::Suspend => [33, 0],
        HostOperation::Out(length) => [34, length - 1],
        HostOperation::In => [35, 0],
        HostOperation::LoseHandshake => [36, 0],
        HostOperation::IsochronousOut(length) => [37, length],
        HostOperation::IsochronousIn => [38, 0],
        HostOperation::Frame => [39, 0],
        HostOperation::Corrupt => [40, 0],
    }
}

/// The case that these bytes say.
pub fn decode(bytes: &[u8]) -> Case {
    let (first, schedule, rest) = head(bytes);
    let (mut cpu, mut host) = (Vec::new(), Vec::new());
    for pair in rest.chunks(2) {
        match operation(pair[0], pair.get(1).copied().unwrap_or_default()) {
            Either::Cpu(operation) => cpu.push(operation),
            Either::Host(operation) => host.push(operation),
        }
    }
    let mut cpu = Reference::filter(cpu);
    cpu.truncate(MOST_OPERATIONS);
    host.truncate(MOST_OPERATIONS);
    let noise = Noise::ALL[usize::from(first) / 3 % Noise::ALL.len()];
    Case { machine: machine_of(first), noise, cpu, host, schedule }
}

/// Bytes that say this case.
pub fn encode(case: &Case) -> Vec<u8> {
    let noise = match case.noise {
        Noise::Clean => 0,
        Noise::Losses => 3,
        Noise::Corruption => 6,
    };
    let mut bytes = vec![machine_byte(case.machine) + noise];
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
        for name in [
            "usbd:cortex-m7:losses:VW0w5E1e2X3x4KkHhCcY0y5J1j2T3t4D0d0QqZzB0G6U1G0:rcso1o64ilp0p64anm",
            "usbd:multi-core:corruption:F5:",
            "usbd:cortex-m4:clean:f0:",
            "usbd:cortex-m4:clean:u3:",
        ] {
            let case = Case::by_name(name, 0x0403_0201).expect("it is a name");
            assert_eq!(decode(&encode(&case)), case);
        }
    }

    #[test]
    fn bytes_that_are_missing_are_zero_and_what_cannot_come_is_left_out() {
        assert_eq!(decode(&[]).name(), "usbd:cortex-m4:clean::");
        assert_eq!(decode(&[8, 1, 0, 0, 0, 3, 1, 28, 0, 34]).name(), "usbd:multi-core:corruption:F1:o1");
        assert_eq!(decode(&[0x23; 500]).host.len(), MOST_OPERATIONS);
    }
}
