//! A case as bytes: what a fuzzer makes.
//!
//! | byte | what |
//! |---|---|
//! | 0 | the machine (value modulo 3) |
//! | 1 to 4 | the schedule's seed, little-endian |
//! | then | one operation after the other, two bytes each: which (modulo 41), and its parameter |
//!
//! Any bytes are a case: what is out of range is brought into it, what is missing is 0, what cannot come where it
//! stands
//! is left out. The lists of CPU and peer are mixed, as in [`crate::bytes`].

use sim_core::device::stm32f103::usart::FrameError;

use crate::bytes::{head, machine_byte, machine_of};
use crate::serial::operations::{Act, Case, MOST_OPERATIONS, MOST_TIMES, Operation, PeerOperation, SLOTS, Side};
use crate::serial::reference::Reference;

enum Either {
    Cpu(Operation),
    Peer(PeerOperation),
}

/// How many acts a half has.
const ACTS: u8 = 15;

/// How many kinds of operations there are.
const KINDS: u8 = 2 * ACTS + 11;

fn act(kind: u8, parameter: u8) -> Act {
    let slot = parameter % SLOTS.len().to_le_bytes()[0];
    let times = parameter % (MOST_TIMES + 1);
    match kind {
        0 => Act::Start(slot),
        1 => Act::Circular(slot),
        2 => Act::Look,
        3 => Act::IsDone,
        4 => Act::Wait,
        5 => Act::Stop,
        6 => Act::Drop,
        7 => Act::Forget,
        8 => Act::Await(times),
        9 => Act::StopPolled(times),
        10 => Act::DropPolled(times),
        11 => Act::ForgetPolled(times),
        12 => Act::Scope(times),
        13 => Act::ScopePanics(times),
        _ => Act::Turn,
    }
}

fn act_bytes(act: Act) -> [u8; 2] {
    match act {
        Act::Start(slot) => [0, slot],
        Act::Circular(slot) => [1, slot],
        Act::Look => [2, 0],
        Act::IsDone => [3, 0],
        Act::Wait => [4, 0],
        Act::Stop => [5, 0],
        Act::Drop => [6, 0],
        Act::Forget => [7, 0],
        Act::Await(times) => [8, times],
        Act::StopPolled(times) => [9, times],
        Act::DropPolled(times) => [10, times],
        Act::ForgetPolled(times) => [11, times],
        Act::Scope(times) => [12, times],
        Act::ScopePanics(times) => [13, times],
        Act::Turn => [14, 0],
    }
}

fn operation(kind: u8, parameter: u8) -> Either {
    let slot = parameter % SLOTS.len().to_le_bytes()[0];
    let frames = 1 + parameter % MOST_TIMES;
    let peer = match kind % KINDS {
        kind if kind < ACTS => return Either::Cpu(Operation::Of(Side::Sender, act(kind, parameter))),
        kind if kind < 2 * ACTS => return Either::Cpu(Operation::Of(Side::Receiver, act(kind - ACTS, parameter))),
        30 => return Either::Cpu(Operation::Flush),
        31 => return Either::Cpu(Operation::Access(slot)),
        32 => return Either::Cpu(Operation::TakeAnew),
        33 => return Either::Cpu(Operation::Pause(parameter % (MOST_TIMES + 1))),
        34 => PeerOperation::Send(frames),
        35 => PeerOperation::SendAtOnce,
        36 => PeerOperation::SendWrong(FrameError::Parity),
        37 => PeerOperation::SendWrong(FrameError::Framing),
        38 => PeerOperation::SendWrong(FrameError::Noise),
        39 => PeerOperation::Idle,
        _ => PeerOperation::Receive(frames),
    };
    Either::Peer(peer)
}

fn cpu_bytes(operation: Operation) -> [u8; 2] {
    match operation {
        Operation::Of(Side::Sender, act) => act_bytes(act),
        Operation::Of(Side::Receiver, act) => {
            let [kind, parameter] = act_bytes(act);
            [kind + ACTS, parameter]
        }
        Operation::Flush => [30, 0],
        Operation::Access(slot) => [31, slot],
        Operation::TakeAnew => [32, 0],
        Operation::Pause(polls) => [33, polls],
    }
}

fn peer_bytes(operation: PeerOperation) -> [u8; 2] {
    match operation {
        PeerOperation::Send(frames) => [34, frames - 1],
        PeerOperation::SendAtOnce => [35, 0],
        PeerOperation::SendWrong(FrameError::Parity) => [36, 0],
        PeerOperation::SendWrong(FrameError::Framing) => [37, 0],
        PeerOperation::SendWrong(FrameError::Noise) => [38, 0],
        PeerOperation::Idle => [39, 0],
        PeerOperation::Receive(frames) => [40, frames - 1],
    }
}

/// The case that these bytes say.
pub fn decode(bytes: &[u8]) -> Case {
    let (machine, schedule, rest) = head(bytes);
    let (mut cpu, mut peer) = (Vec::new(), Vec::new());
    for pair in rest.chunks(2) {
        match operation(pair[0], pair.get(1).copied().unwrap_or_default()) {
            Either::Cpu(operation) => cpu.push(operation),
            Either::Peer(operation) => peer.push(operation),
        }
    }
    let mut cpu = Reference::filter(cpu);
    cpu.truncate(MOST_OPERATIONS);
    peer.truncate(MOST_OPERATIONS);
    Case { machine: machine_of(machine), cpu, peer, schedule }
}

/// Bytes that say this case.
pub fn encode(case: &Case) -> Vec<u8> {
    let mut bytes = vec![machine_byte(case.machine)];
    bytes.extend(case.schedule.to_le_bytes());
    bytes.extend(case.peer.iter().copied().flat_map(peer_bytes));
    bytes.extend(case.cpu.iter().copied().flat_map(cpu_bytes));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_bytes() {
        for name in [
            "serial:cortex-m7:W0W5MDEW1SW1Xw3xNW2FNC5TTS:",
            "serial:cortex-m4:W1A2W1I0W1Y6NW1Z3NP3Q0LB1G6w1md:",
            "serial:multi-core:w1mdew1sw1a2w1i0c5ttsp6q1w1y1Nw2z0Nw1f:s6opfnig1",
        ] {
            let case = Case::by_name(name, 0x0403_0201).expect("it is a name");
            assert_eq!(decode(&encode(&case)), case);
        }
    }

    #[test]
    fn bytes_that_are_missing_are_zero_and_what_cannot_come_is_left_out() {
        assert_eq!(decode(&[]).name(), "serial:cortex-m4::");
        assert_eq!(decode(&[1, 1, 0, 0, 0, 0, 1, 0, 1, 4]).name(), "serial:cortex-m7:W1E:");
        assert_eq!(decode(&[0x22; 500]).peer.len(), MOST_OPERATIONS);
    }
}
