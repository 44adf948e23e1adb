//! What CPU and host do: the operations that a case is made of.

use sim_core::host::Faults;
use sim_core::machine::Machine;

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

/// Which endpoint, of either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// Endpoint 1.
    Bulk,
    /// Endpoint 8: a packet a frame, without handshakes.
    Isochronous,
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
    Transfer(Pipe, Way, u8, Fate),
    /// `write` or `read`, by way of the engine's buffer, of as many bytes as this slot has.
    Copy(Way, u8),
    /// `is_sent` or `received`; isochronous, `is_free` or `received`.
    Ask(Pipe, Way),
    /// `halt`. The host ends it.
    Halt(Way),
    /// `close`, until the host configures the device again.
    Close(Pipe, Way),
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
    /// An isochronous packet of so many bytes, if the device is configured.
    IsochronousOut(u8),
    /// Asks for a frame's isochronous packet, if the device is configured.
    IsochronousIn,
    /// A frame goes by.
    Frame,
    /// The next isochronous packet is corrupted, in whichever direction.
    Corrupt,
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
    /// host sends a SETUP again whose handshake is lost, and if the firmware has accepted the first by then, it finds
    /// another request to open its endpoints, when the host has begun to use them. That is the limit that `Control`
    /// documents.
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
        match operation {
            Operation::Pause(polls) => polls <= MOST_POLLS,
            Operation::Transfer(_, _, slot, _) | Operation::Copy(_, slot) | Operation::Access(slot) => {
                !self.is_gone && usize::from(slot) < SLOTS.len()
            }
            Operation::Ask(..) | Operation::Halt(_) | Operation::Close(..) | Operation::Serve => !self.is_gone,
        }
    }

    /// This comes next. It is allowed.
    pub fn apply(&mut self, operation: Operation) {
        self.is_gone |= matches!(operation, Operation::Transfer(_, _, _, Fate::Forget));
    }

    /// Those operations that can come, each where it stands; the others are left out.
    pub fn filter(operations: impl IntoIterator<Item = Operation>) -> Vec<Operation> {
        let mut reference = Self::default();
        let allowed = operations.into_iter().filter(|&operation| {
            let allows = reference.allows(operation);
            if allows {
                reference.apply(operation);
            }
            allows
        });
        allowed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_its_engine_the_firmware_can_but_wait() {
        let forget = Operation::Transfer(Pipe::Isochronous, Way::In, 1, Fate::Forget);
        let (copy, pause) = (Operation::Copy(Way::Out, 2), Operation::Pause(1));
        assert_eq!(Reference::filter([copy, forget, copy, pause, Operation::Serve]), [copy, forget, pause]);
        assert_eq!(Reference::filter([Operation::Copy(Way::In, 6), Operation::Pause(7)]), [], "out of range");
    }
}
