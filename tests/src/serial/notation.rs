//! A case as text: what a replay string carries, and what a test is pasted from.
//!
//! `serial:cortex-m4:W3Er4sG2:s4Vg3` is machine, what the CPU does, what the peer does. A letter is an operation, the
//! number after it its parameter; of a half's operations, those of the sender are in capitals.
//!
//! | sender, receiver | | sender, receiver | | CPU | | peer | |
//! |---|---|---|---|---|---|---|---|
//! | `W3`, `w3` | start, slot 3 | `Y2`, `y2` | poll twice, drop | `L` | flush | `s3` | send 3 frames |
//! | `C4`, `c4` | circular, slot 4 | `Z2`, `z2` | poll twice, forget | `B1` | access slot 1 | `o` | send at once |
//! | `M`, `m` | look | `A2`, `a2` | poll twice, await | `N` | take anew | `p` `f` `n` | wrong parity, framing, noise |
//! | `D`, `d` | is done | `I2`, `i2` | poll twice, stop | `G3` | pause, 3 polls | `i` | idle |
//! | `E`, `e` | wait | `P3`, `p3` | scope, 3 bytes | | | `g3` | receive 3 frames |
//! | `S`, `s` | stop | `Q3`, `q3` | scope that panics | | | | |
//! | `X`, `x` | drop | `T`, `t` | turn | | | | |
//! | `F`, `f` | forget | | | | | | |

use std::fmt::{self, Display};

use sim_core::device::stm32f103::usart::FrameError;
use sim_core::machine::Machine;

use crate::notation::{join, machine_of, parse};
use crate::serial::operations::{Act, Case, MOST_TIMES, Operation, PeerOperation, Side};
use crate::serial::reference::Reference;

/// What each name begins with.
const DRIVER: &str = "serial";

impl Act {
    /// Letter and number.
    fn letter(self) -> (char, Option<u8>) {
        match self {
            Self::Start(slot) => ('W', Some(slot)),
            Self::Circular(slot) => ('C', Some(slot)),
            Self::Look => ('M', None),
            Self::IsDone => ('D', None),
            Self::Wait => ('E', None),
            Self::Stop => ('S', None),
            Self::Drop => ('X', None),
            Self::Forget => ('F', None),
            Self::Await(polls) => ('A', Some(polls)),
            Self::StopPolled(polls) => ('I', Some(polls)),
            Self::DropPolled(polls) => ('Y', Some(polls)),
            Self::ForgetPolled(polls) => ('Z', Some(polls)),
            Self::Scope(length) => ('P', Some(length)),
            Self::ScopePanics(length) => ('Q', Some(length)),
            Self::Turn => ('T', None),
        }
    }

    fn of_letter(letter: char, number: Option<u8>) -> Option<Self> {
        Some(match (letter, number) {
            ('W', Some(slot)) => Self::Start(slot),
            ('C', Some(slot)) => Self::Circular(slot),
            ('M', None) => Self::Look,
            ('D', None) => Self::IsDone,
            ('E', None) => Self::Wait,
            ('S', None) => Self::Stop,
            ('X', None) => Self::Drop,
            ('F', None) => Self::Forget,
            ('A', Some(polls)) => Self::Await(polls),
            ('I', Some(polls)) => Self::StopPolled(polls),
            ('Y', Some(polls)) => Self::DropPolled(polls),
            ('Z', Some(polls)) => Self::ForgetPolled(polls),
            ('P', Some(length)) => Self::Scope(length),
            ('Q', Some(length)) => Self::ScopePanics(length),
            ('T', None) => Self::Turn,
            _ => return None,
        })
    }
}

fn write(f: &mut fmt::Formatter<'_>, letter: char, number: Option<u8>) -> fmt::Result {
    write!(f, "{letter}{}", number.map_or_else(String::new, |number| number.to_string()))
}

impl Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, number) = match self {
            Self::Of(Side::Sender, act) => act.letter(),
            Self::Of(Side::Receiver, act) => {
                let (letter, number) = act.letter();
                (letter.to_ascii_lowercase(), number)
            }
            Self::Flush => ('L', None),
            Self::Access(slot) => ('B', Some(*slot)),
            Self::TakeAnew => ('N', None),
            Self::Pause(polls) => ('G', Some(*polls)),
        };
        write(f, letter, number)
    }
}

impl Display for PeerOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, number) = match self {
            Self::Send(frames) => ('s', Some(*frames)),
            Self::SendAtOnce => ('o', None),
            Self::SendWrong(FrameError::Parity) => ('p', None),
            Self::SendWrong(FrameError::Framing) => ('f', None),
            Self::SendWrong(FrameError::Noise) => ('n', None),
            Self::Idle => ('i', None),
            Self::Receive(frames) => ('g', Some(*frames)),
        };
        write(f, letter, number)
    }
}

fn operation(letter: char, number: Option<u8>) -> Option<Operation> {
    Some(match (letter, number) {
        ('L', None) => Operation::Flush,
        ('B', Some(slot)) => Operation::Access(slot),
        ('N', None) => Operation::TakeAnew,
        ('G', Some(polls)) => Operation::Pause(polls),
        _ => {
            let side = if letter.is_ascii_uppercase() { Side::Sender } else { Side::Receiver };
            Operation::Of(side, Act::of_letter(letter.to_ascii_uppercase(), number)?)
        }
    })
}

fn peer_operation(letter: char, number: Option<u8>) -> Option<PeerOperation> {
    Some(match (letter, number) {
        ('s', Some(frames @ 1..=MOST_TIMES)) => PeerOperation::Send(frames),
        ('o', None) => PeerOperation::SendAtOnce,
        ('p', None) => PeerOperation::SendWrong(FrameError::Parity),
        ('f', None) => PeerOperation::SendWrong(FrameError::Framing),
        ('n', None) => PeerOperation::SendWrong(FrameError::Noise),
        ('i', None) => PeerOperation::Idle,
        ('g', Some(frames @ 1..=MOST_TIMES)) => PeerOperation::Receive(frames),
        _ => return None,
    })
}

impl Case {
    /// The case without its schedule, as text: no dot, no white space.
    pub fn name(&self) -> String {
        format!("{DRIVER}:{}:{}:{}", self.machine, join(&self.cpu), join(&self.peer))
    }

    /// The case with this name and this schedule. `None` if nothing has this name, or one of its operations cannot come
    /// where it stands.
    pub fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let parts: Vec<&str> = name.split(':').collect();
        let [DRIVER, machine, cpu, peer] = parts[..] else {
            return None;
        };
        let machine: Machine = machine_of(machine)?;
        let (cpu, peer) = (parse(cpu, operation)?, parse(peer, peer_operation)?);
        let can_come = Reference::filter(cpu.iter().copied()) == cpu;
        can_come.then_some(Self { machine, cpu, peer, schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_name() {
        for name in [
            "serial:cortex-m7:W0W5MDEW1SW1Xw3xNW2FNC5TTSA2:",
            "serial:cortex-m4:W1A2W1I0W1Y6NW1Z3NP3Q0LB1G6w1mdaesw:",
            "serial:multi-core:w1mdew1sw1a2w1i0c5ttsp6q1:s6opfnig1",
        ] {
            let case = Case::by_name(name, 5);
            let is_right = !name.ends_with("A2:") && !name.contains("aesw");
            assert_eq!(case.is_some(), is_right, "{name}");
            if let Some(case) = case {
                assert_eq!((case.name().as_str(), case.schedule), (name, 5));
            }
        }
    }

    #[test]
    fn name_that_says_something_else_is_refused() {
        for (name, why) in [
            ("", "it says nothing"),
            ("serial:cortex-m4:W1", "there is no peer"),
            ("serial:cortex-m5:W1:", "there is no such machine"),
            ("serial:cortex-m4:W6:", "there is no such slot"),
            ("serial:cortex-m4:E:", "nothing runs"),
            ("serial:cortex-m4:W1W2:", "the channel is not idle"),
            ("serial:cortex-m4:W1B1:", "the DMA has the buffer"),
            ("serial:cortex-m4:W1XL:", "the sender is gone"),
            ("serial:cortex-m4:G7:", "too many"),
            ("serial:cortex-m4::s7", "too many"),
            ("serial:cortex-m4::s0", "none"),
        ] {
            assert_eq!(Case::by_name(name, 0), None, "{name}: {why}");
        }
    }
}
