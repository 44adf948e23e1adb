//! A case as text: what a replay string carries, and what a test is pasted from.
//!
//! `usbd:cortex-m4:clean:VW2w3:co8i` is machine, wire, what the CPU does, what the host does. A letter is an operation,
//! the number after it its parameter; of an endpoint's operations, those of IN are in capitals.
//!
//! | bulk | isochronous | | CPU | | host | |
//! |---|---|---|---|---|---|---|
//! | `W2`, `w2` | `J2`, `j2` | transfer of slot 2, waited for | `V` | serve endpoint 0 | `r` | reset |
//! | `E2`, `e2` | `T2`, `t2` | transfer, ended when it is done | `B2` | access slot 2 | `c` | configure |
//! | `X2`, `x2` | `D2`, `d2` | transfer, dropped | `G3` | pause, 3 polls | `s` | suspend, resume |
//! | `F2`, `f2` | `U2`, `u2` | transfer, forgotten | | | `o8` | bulk OUT, 8 bytes |
//! | `Y2`, `y2` | | `write`, `read`, as long as slot 2 | | | `i` | bulk IN |
//! | `K`, `k` | `Q`, `q` | `is_sent` or `is_free`, `received` | | | `l` | the next bulk packet's handshake is lost |
//! | `C`, `c` | `Z`, `z` | close | | | `p8` | isochronous OUT, 8 bytes |
//! | `H`, `h` | | halt | | | `a` | isochronous IN |
//! | | | | | | `n` | a frame goes by |
//! | | | | | | `m` | the next isochronous packet is corrupted |

use std::fmt::{self, Display};

use crate::notation::{join, machine_of, parse};
use crate::usbd::operations::{Case, Fate, HostOperation, Noise, Operation, PACKET, Pipe, Reference, Way};

/// What each name begins with.
const DRIVER: &str = "usbd";

impl Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Losses => "losses",
            Self::Corruption => "corruption",
        })
    }
}

/// The letter of a transfer to the host.
fn letter(pipe: Pipe, fate: Fate) -> char {
    match (pipe, fate) {
        (Pipe::Bulk, Fate::Wait) => 'W',
        (Pipe::Bulk, Fate::End) => 'E',
        (Pipe::Bulk, Fate::Drop) => 'X',
        (Pipe::Bulk, Fate::Forget) => 'F',
        (Pipe::Isochronous, Fate::Wait) => 'J',
        (Pipe::Isochronous, Fate::End) => 'T',
        (Pipe::Isochronous, Fate::Drop) => 'D',
        (Pipe::Isochronous, Fate::Forget) => 'U',
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_way = |letter: char, way: Way| if way == Way::In { letter } else { letter.to_ascii_lowercase() };
        match *self {
            Self::Transfer(pipe, way, slot, fate) => write!(f, "{}{slot}", of_way(letter(pipe, fate), way)),
            Self::Copy(way, slot) => write!(f, "{}{slot}", of_way('Y', way)),
            Self::Ask(Pipe::Bulk, way) => write!(f, "{}", of_way('K', way)),
            Self::Ask(Pipe::Isochronous, way) => write!(f, "{}", of_way('Q', way)),
            Self::Halt(way) => write!(f, "{}", of_way('H', way)),
            Self::Close(Pipe::Bulk, way) => write!(f, "{}", of_way('C', way)),
            Self::Close(Pipe::Isochronous, way) => write!(f, "{}", of_way('Z', way)),
            Self::Serve => f.write_str("V"),
            Self::Access(slot) => write!(f, "B{slot}"),
            Self::Pause(polls) => write!(f, "G{polls}"),
        }
    }
}

impl Display for HostOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("r"),
            Self::Configure => f.write_str("c"),
            Self::Suspend => f.write_str("s"),
            Self::Out(length) => write!(f, "o{length}"),
            Self::In => f.write_str("i"),
            Self::LoseHandshake => f.write_str("l"),
            Self::IsochronousOut(length) => write!(f, "p{length}"),
            Self::IsochronousIn => f.write_str("a"),
            Self::Frame => f.write_str("n"),
            Self::Corrupt => f.write_str("m"),
        }
    }
}

fn operation(letter: char, number: Option<u8>) -> Option<Operation> {
    use Pipe::{Bulk, Isochronous};
    let way = if letter.is_ascii_uppercase() { Way::In } else { Way::Out };
    let transfer = |pipe, fate| number.map(|slot| Operation::Transfer(pipe, way, slot, fate));
    match (letter, number) {
        ('V', None) => Some(Operation::Serve),
        ('B', Some(slot)) => Some(Operation::Access(slot)),
        ('G', Some(polls)) => Some(Operation::Pause(polls)),
        ('W' | 'w', _) => transfer(Bulk, Fate::Wait),
        ('E' | 'e', _) => transfer(Bulk, Fate::End),
        ('X' | 'x', _) => transfer(Bulk, Fate::Drop),
        ('F' | 'f', _) => transfer(Bulk, Fate::Forget),
        ('J' | 'j', _) => transfer(Isochronous, Fate::Wait),
        ('T' | 't', _) => transfer(Isochronous, Fate::End),
        ('D' | 'd', _) => transfer(Isochronous, Fate::Drop),
        ('U' | 'u', _) => transfer(Isochronous, Fate::Forget),
        ('Y' | 'y', Some(slot)) => Some(Operation::Copy(way, slot)),
        ('K' | 'k', None) => Some(Operation::Ask(Bulk, way)),
        ('Q' | 'q', None) => Some(Operation::Ask(Isochronous, way)),
        ('H' | 'h', None) => Some(Operation::Halt(way)),
        ('C' | 'c', None) => Some(Operation::Close(Bulk, way)),
        ('Z' | 'z', None) => Some(Operation::Close(Isochronous, way)),
        _ => None,
    }
}

fn host_operation(letter: char, number: Option<u8>) -> Option<HostOperation> {
    Some(match (letter, number) {
        ('r', None) => HostOperation::Reset,
        ('c', None) => HostOperation::Configure,
        ('s', None) => HostOperation::Suspend,
        ('o', Some(length @ 1..=PACKET)) => HostOperation::Out(length),
        ('i', None) => HostOperation::In,
        ('l', None) => HostOperation::LoseHandshake,
        ('p', Some(length @ ..=PACKET)) => HostOperation::IsochronousOut(length),
        ('a', None) => HostOperation::IsochronousIn,
        ('n', None) => HostOperation::Frame,
        ('m', None) => HostOperation::Corrupt,
        _ => return None,
    })
}

impl Case {
    /// The case without its schedule, as text: no dot, no white space.
    pub fn name(&self) -> String {
        format!("{DRIVER}:{}:{}:{}:{}", self.machine, self.noise, join(&self.cpu), join(&self.host))
    }

    /// The case with this name and this schedule. `None` if nothing has this name, or one of its operations cannot come
    /// where it stands.
    pub fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let parts: Vec<&str> = name.split(':').collect();
        let [DRIVER, machine, noise, cpu, host] = parts[..] else {
            return None;
        };
        let noise = Noise::ALL.into_iter().find(|candidate| candidate.to_string() == noise)?;
        let (cpu, host) = (parse(cpu, operation)?, parse(host, host_operation)?);
        let can_come = Reference::filter(cpu.iter().copied()) == cpu;
        can_come.then_some(Self { machine: machine_of(machine)?, noise, cpu, host, schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_name() {
        let name = "usbd:cortex-m7:losses:VW0w5E1e2X3x4KkHhCcY0y5J1j2T3t4D0d0QqZzB0G6U1G0:rcso1o64ilp0p64anm";
        let case = Case::by_name(name, 5).expect("it has every letter");
        assert_eq!((case.name().as_str(), case.schedule), (name, 5));
    }

    #[test]
    fn name_that_says_something_else_is_refused() {
        for name in [
            "",
            "usbd:cortex-m4:clean:V",
            "usbd:cortex-m4:noisy:V:c",
            "usbd:cortex-m4:clean:W6:c",
            "usbd:cortex-m4:clean:F1V:c",
            "usbd:cortex-m4:clean:V1:c",
            "usbd:cortex-m4:clean:V:o65",
            "usbd:cortex-m4:clean:V:o0",
            "usbd:cortex-m4:clean:V:p65",
            "usbd:cortex-m4:clean:Y:",
            "usbd:cortex-m4:clean:u1J1:",
        ] {
            assert_eq!(Case::by_name(name, 0), None, "{name}");
        }
    }
}
