//! What CPU and host do: the operations that a case is made of.
//!
//! `usbd:cortex-m4:clean:VW2w3:co8i` is machine, wire, what the CPU does, what the host does. A letter is an operation,
//! the number after it its parameter; of an endpoint's operations, those of IN are in capitals.
//!
//! | IN, OUT | | CPU | | host | |
//! |---|---|---|---|---|---|
//! | `W2`, `w2` | transfer of slot 2, waited for | `V` | serve endpoint 0 | `r` | reset |
//! | `E2`, `e2` | transfer, ended when it is done | `B2` | access slot 2 | `c` | configure |
//! | `X2`, `x2` | transfer, dropped | `G3` | pause, 3 polls | `s` | suspend, resume |
//! | `F2`, `f2` | transfer, forgotten | | | `o8` | bulk OUT, 8 bytes |
//! | `K`, `k` | `is_sent`, `received` | | | `i` | bulk IN |
//! | `H`, `h` | halt | | | `l` | the next bulk packet's handshake is lost |
//! | `C`, `c` | close | | | | |

use std::fmt::{self, Display};

use sim_core::host::Faults;
use sim_core::machine::Machine;

use crate::notation::{join, machine_of, parse};

/// The most operations that a case has, of CPU and host each.
pub const MOST_OPERATIONS: usize = 40;

/// How many bytes the buffers have. The last is more than a packet.
pub const SLOTS: [usize; 6] = [1, 4, 8, 33, 64, 65];

/// The most polls of a pause.
pub const MOST_POLLS: u8 = 6;

/// The most bytes of a packet.
pub const PACKET: u8 = 64;

/// A direction, as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the host.
    In,
    /// From the host.
    Out,
}

/// What becomes of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// `wait`.
    Wait,
    /// `is_done` and `end`, until it has ended.
    End,
    /// It is dropped, and the engine made anew.
    Drop,
    /// It is forgotten: nothing can be done afterwards.
    Forget,
}

/// One thing that the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `send` or `receive` of the buffer in this slot.
    Transfer(Way, u8, Fate),
    /// `is_sent` or `received`.
    Ask(Way),
    /// `halt`. The host ends it.
    Halt(Way),
    /// `close`, until the host configures the device again.
    Close(Way),
    /// Takes all events of endpoint 0, and does what they ask for.
    Serve,
    /// Reads and writes the buffer in this slot.
    Access(u8),
    /// Nothing: so many polls, in which the others may go on.
    Pause(u8),
}

/// One thing that the host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOperation {
    /// Bus reset.
    Reset,
    /// SET_CONFIGURATION.
    Configure,
    /// Suspend, and then resume.
    Suspend,
    /// A packet of so many bytes, if the device is configured.
    Out(u8),
    /// Takes a packet, if the device is configured.
    In,
    /// The handshake of the next bulk packet is lost, so that it is sent twice.
    LoseHandshake,
}

/// What may happen on the wire, wherever the schedule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Nothing.
    Clean,
    /// A token is lost.
    Losses,
    /// A packet is corrupted.
    Corruption,
}

impl Noise {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Losses, Self::Corruption];

    /// How often each fault may happen. Few: after three in a row a host gives up, and nobody knows what of the packet
    /// has arrived. No handshake is lost in this way, but by [`HostOperation::LoseHandshake`], of a bulk packet: the
    /// host
    /// sends a SETUP again whose handshake is lost, and if the firmware has accepted the first by then, it finds
    /// another
    /// request to open its endpoints, when the host has begun to use them. That is the limit that `Control` documents.
    pub fn faults(self) -> Faults {
        match self {
            Self::Clean => Faults::default(),
            Self::Losses => Faults { lost_tokens: 1, ..Faults::default() },
            Self::Corruption => Faults { corrupted_packets: 1, ..Faults::default() },
        }
    }
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The core; the driver has the fences that suffice on it.
    pub machine: Machine,
    /// The wire.
    pub noise: Noise,
    /// What the firmware does, in order.
    pub cpu: Vec<Operation>,
    /// What the host does, in order.
    pub host: Vec<HostOperation>,
    /// The seed of the schedule: who goes on when.
    pub schedule: u32,
}

/// Who has the engine: so, which operations can come next. Every buffer is the CPU's in between: a transfer begins and
/// ends within one operation, since everything else needs the engine, which the transfer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// It was forgotten with a transfer, or would have been if that was not refused.
    is_gone: bool,
}

impl Reference {
    /// Whether this can come next.
    pub fn allows(&self, operation: Operation) -> bool {
        let is_slot = |slot: u8| usize::from(slot) < SLOTS.len();
        match operation {
            Operation::Transfer(_, slot, _) => !self.is_gone && is_slot(slot),
            Operation::Access(slot) => !self.is_gone && is_slot(slot),
            Operation::Pause(polls) => polls <= MOST_POLLS,
            Operation::Ask(_) | Operation::Halt(_) | Operation::Close(_) | Operation::Serve => !self.is_gone,
        }
    }

    /// This comes next. It is allowed.
    pub fn apply(&mut self, operation: Operation) {
        self.is_gone |= matches!(operation, Operation::Transfer(_, _, Fate::Forget));
    }

    /// Whether each of these can come where it stands.
    fn allows_all(mut self, operations: &[Operation]) -> bool {
        operations.iter().all(|&operation| {
            let allows = self.allows(operation);
            self.apply(operation);
            allows
        })
    }
}

impl Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Losses => "losses",
            Self::Corruption => "corruption",
        })
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_way = |letter: char, way: Way| if way == Way::In { letter } else { letter.to_ascii_lowercase() };
        match *self {
            Self::Transfer(way, slot, fate) => {
                let letter = match fate {
                    Fate::Wait => 'W',
                    Fate::End => 'E',
                    Fate::Drop => 'X',
                    Fate::Forget => 'F',
                };
                write!(f, "{}{slot}", of_way(letter, way))
            }
            Self::Ask(way) => write!(f, "{}", of_way('K', way)),
            Self::Halt(way) => write!(f, "{}", of_way('H', way)),
            Self::Close(way) => write!(f, "{}", of_way('C', way)),
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
        }
    }
}

fn operation(letter: char, number: Option<u8>) -> Option<Operation> {
    let way = if letter.is_ascii_uppercase() { Way::In } else { Way::Out };
    let fate = |fate| number.map(|slot| Operation::Transfer(way, slot, fate));
    match (letter, number) {
        ('V', None) => Some(Operation::Serve),
        ('B', Some(slot)) => Some(Operation::Access(slot)),
        ('G', Some(polls)) => Some(Operation::Pause(polls)),
        ('W' | 'w', _) => fate(Fate::Wait),
        ('E' | 'e', _) => fate(Fate::End),
        ('X' | 'x', _) => fate(Fate::Drop),
        ('F' | 'f', _) => fate(Fate::Forget),
        ('K' | 'k', None) => Some(Operation::Ask(way)),
        ('H' | 'h', None) => Some(Operation::Halt(way)),
        ('C' | 'c', None) => Some(Operation::Close(way)),
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
        _ => return None,
    })
}

impl Case {
    /// The case without its schedule, as text: no dot, no white space.
    pub fn name(&self) -> String {
        format!("usbd:{}:{}:{}:{}", self.machine, self.noise, join(&self.cpu), join(&self.host))
    }

    /// The case with this name and this schedule. `None` if nothing has this name, or one of its operations cannot come
    /// where it stands.
    pub fn by_name(name: &str, schedule: u32) -> Option<Self> {
        let parts: Vec<&str> = name.split(':').collect();
        let ["usbd", machine, noise, cpu, host] = parts[..] else {
            return None;
        };
        let noise = Noise::ALL.into_iter().find(|candidate| candidate.to_string() == noise)?;
        let (cpu, host) = (parse(cpu, operation)?, parse(host, host_operation)?);
        let can_come = Reference::default().allows_all(&cpu);
        can_come.then_some(Self { machine: machine_of(machine)?, noise, cpu, host, schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_back_from_its_name() {
        let name = "usbd:cortex-m7:losses:VW0w5E1e2X3x4KkHhCcB0G6F1G0:rcso1o64il";
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
        ] {
            assert_eq!(Case::by_name(name, 0), None, "{name}");
        }
    }
}
