//! Who has which channel and which buffer: so, which operations can come next.
//!
//! | half | what it can be asked |
//! |---|---|
//! | *idle* | `Start`, `Circular`, `Scope`, `ScopePanics`; the sender, `Flush` |
//! | *running* | `Look`, `IsDone`, and what ends it |
//! | *circular* | `Turn`, `Stop`, `Drop`, `Forget` |
//! | *gone* | nothing: it was dropped or forgotten with its transfer, until `TakeAnew` |
//!
//! A buffer is the CPU's, a half's, or lost with a transfer. All of this is known before the run: which half does what
//! does not depend on how fast the DMA is. What does (whether a poll finds the end, how much was moved) is decided in
//! the run, by [`sending`](crate::serial::sending) and [`receiving`](crate::serial::receiving).

use crate::serial::operations::{Act, MOST_TIMES, Operation, SLOTS, Side};

/// What a half does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Nothing: it can start.
    Idle,
    /// A transfer of the buffer in this slot.
    Running(u8),
    /// It goes round the buffer in this slot.
    Circular(u8),
    /// It was lost with its transfer.
    Gone,
}

/// Who has a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The CPU.
    Cpu,
    /// The channel of this half.
    Dma(Side),
    /// Nobody: it was dropped with a transfer, or forgotten with it, and the DMA may still have it.
    Lost,
}

/// What both halves do, and who has each buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    sender: Channel,
    receiver: Channel,
    owners: [Owner; SLOTS.len()],
}

impl Default for Reference {
    fn default() -> Self {
        Self { sender: Channel::Idle, receiver: Channel::Idle, owners: [Owner::Cpu; SLOTS.len()] }
    }
}

/// Whether a start is refused, which takes nothing.
pub fn refuses(act: Act) -> bool {
    match act {
        Act::Start(slot) => SLOTS[usize::from(slot)] == 0,
        Act::Circular(slot) => SLOTS[usize::from(slot)] == 0 || !SLOTS[usize::from(slot)].is_multiple_of(2),
        Act::Scope(length) | Act::ScopePanics(length) => length == 0,
        _ => false,
    }
}

impl Reference {
    /// What a half does.
    pub fn channel(&self, side: Side) -> Channel {
        match side {
            Side::Sender => self.sender,
            Side::Receiver => self.receiver,
        }
    }

    /// Who has the buffer in a slot.
    pub fn owner(&self, slot: u8) -> Owner {
        self.owners[usize::from(slot)]
    }

    fn is_the_cpus(&self, slot: u8) -> bool {
        usize::from(slot) < SLOTS.len() && self.owner(slot) == Owner::Cpu
    }

    /// Whether this can come next.
    pub fn allows(&self, operation: Operation) -> bool {
        match operation {
            Operation::Of(side, act) => self.allows_act(self.channel(side), act),
            Operation::Flush => self.sender == Channel::Idle && self.receiver != Channel::Gone,
            Operation::Access(slot) => self.is_the_cpus(slot),
            Operation::TakeAnew => true,
            Operation::Pause(polls) => polls <= MOST_TIMES,
        }
    }

    fn allows_act(&self, channel: Channel, act: Act) -> bool {
        match (channel, act) {
            (Channel::Idle, Act::Start(slot) | Act::Circular(slot)) => self.is_the_cpus(slot),
            (Channel::Idle, Act::Scope(length) | Act::ScopePanics(length)) => length <= MOST_TIMES,
            (Channel::Running(_), Act::Look | Act::IsDone | Act::Wait | Act::Stop | Act::Drop | Act::Forget) => true,
            (
                Channel::Running(_),
                Act::Await(polls) | Act::StopPolled(polls) | Act::DropPolled(polls) | Act::ForgetPolled(polls),
            ) => polls <= MOST_TIMES,
            (Channel::Circular(_), Act::Turn | Act::Stop | Act::Drop | Act::Forget) => true,
            _ => false,
        }
    }

    /// This comes next. It is allowed.
    pub fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Of(side, act) => self.apply_act(side, act),
            Operation::TakeAnew => *self = Self::default(),
            Operation::Flush | Operation::Access(_) | Operation::Pause(_) => {}
        }
    }

    fn apply_act(&mut self, side: Side, act: Act) {
        let before = self.channel(side);
        let (after, owner) = match act {
            _ if refuses(act) => return,
            Act::Start(slot) => (Channel::Running(slot), Owner::Dma(side)),
            Act::Circular(slot) => (Channel::Circular(slot), Owner::Dma(side)),
            Act::Look | Act::IsDone | Act::Turn | Act::Scope(_) | Act::ScopePanics(_) => return,
            Act::Wait | Act::Stop | Act::Await(_) | Act::StopPolled(_) => (Channel::Idle, Owner::Cpu),
            Act::Drop | Act::Forget | Act::DropPolled(_) | Act::ForgetPolled(_) => (Channel::Gone, Owner::Lost),
        };
        if let Channel::Running(slot) | Channel::Circular(slot) =
            if after == Channel::Idle || after == Channel::Gone { before } else { after }
        {
            self.owners[usize::from(slot)] = owner;
        }
        match side {
            Side::Sender => self.sender = after,
            Side::Receiver => self.receiver = after,
        }
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

    const START: Operation = Operation::Of(Side::Sender, Act::Start(2));

    #[test]
    fn buffer_is_a_channels_until_the_transfer_has_ended() {
        let mut reference = Reference::default();
        reference.apply(START);
        assert_eq!(reference.owner(2), Owner::Dma(Side::Sender));
        assert!(!reference.allows(Operation::Access(2)), "the DMA has it");
        assert!(!reference.allows(Operation::Of(Side::Receiver, Act::Start(2))), "likewise");
        assert!(!reference.allows(START), "the channel is not idle");
        reference.apply(Operation::Of(Side::Sender, Act::Stop));
        assert_eq!((reference.owner(2), reference.channel(Side::Sender)), (Owner::Cpu, Channel::Idle));
    }

    #[test]
    fn what_is_forgotten_is_gone_until_all_is_taken_anew() {
        let mut reference = Reference::default();
        reference.apply(START);
        reference.apply(Operation::Of(Side::Sender, Act::Forget));
        assert_eq!((reference.owner(2), reference.channel(Side::Sender)), (Owner::Lost, Channel::Gone));
        assert!(!reference.allows(Operation::Of(Side::Sender, Act::Start(1))));
        assert!(reference.allows(Operation::Of(Side::Receiver, Act::Start(1))));
        reference.apply(Operation::TakeAnew);
        assert_eq!(reference, Reference::default());
    }

    #[test]
    fn start_that_is_refused_changes_nothing() {
        let mut reference = Reference::default();
        for act in [Act::Start(0), Act::Circular(1), Act::Scope(0)] {
            assert!(refuses(act));
            reference.apply(Operation::Of(Side::Receiver, act));
        }
        assert_eq!(reference, Reference::default());
    }

    #[test]
    fn operations_that_cannot_come_are_left_out() {
        let wait = Operation::Of(Side::Sender, Act::Wait);
        assert_eq!(Reference::filter([wait, START, START, wait]), [START, wait]);
    }
}
