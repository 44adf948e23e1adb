//! What CPU and peer do: the operations that a case is made of.

use sim_core::device::stm32f103::usart::FrameError;
use sim_core::machine::Machine;

/// The most operations that a case has, of CPU and peer each.
pub const MOST_OPERATIONS: usize = 40;

/// How many bytes the buffers have. The first is refused by every start, the odd ones by every circular start.
pub const SLOTS: [usize; 6] = [0, 1, 2, 3, 4, 6];

/// The most of anything that is counted in an operation: polls, looks, bytes on the stack, frames.
pub const MOST_TIMES: u8 = 6;

/// A half of the USART, with its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It sends.
    Sender,
    /// It receives.
    Receiver,
}

/// What is done with one half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `write_all` or `read_exact`, of the buffer in this slot.
    Start(u8),
    /// `circular`, of the buffer in this slot.
    Circular(u8),
    /// `moved`; of a receiver, `received`: what has come so far.
    Look,
    /// `is_done`.
    IsDone,
    /// `wait`.
    Wait,
    /// `stop`.
    Stop,
    /// The transfer is dropped.
    Drop,
    /// The transfer is forgotten.
    Forget,
    /// As a future: polled so many times, then awaited.
    Await(u8),
    /// As a future: polled so many times, then made a transfer again, and stopped.
    StopPolled(u8),
    /// As a future: polled so many times, then dropped.
    DropPolled(u8),
    /// As a future: polled so many times, then forgotten.
    ForgetPolled(u8),
    /// `scope`, of so many bytes on the stack, with a few looks inside.
    Scope(u8),
    /// `scope`, likewise, with a panic inside.
    ScopePanics(u8),
    /// `write` or `read` of a circular transfer.
    Turn,
}

/// One thing that the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// To a half.
    Of(Side, Act),
    /// `flush` of the sender, by way of the receiver.
    Flush,
    /// Reads and writes the buffer in this slot.
    Access(u8),
    /// Drops whatever it has, and takes controller and USART anew: what was lost with a transfer is back.
    TakeAnew,
    /// Nothing: so many polls, in which the others may go on.
    Pause(u8),
}

/// One thing that the peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerOperation {
    /// It sends so many frames, each when the receiver has room.
    Send(u8),
    /// It sends a frame, whether there is room or not.
    SendAtOnce,
    /// It sends a frame with something wrong with it.
    SendWrong(FrameError),
    /// It leaves the line idle for a frame.
    Idle,
    /// It waits for so many frames.
    Receive(u8),
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The core; the driver has the fences that suffice on it.
    pub machine: Machine,
    /// What the firmware does, in order. Each can be done where it stands: see [`crate::serial::reference`].
    pub cpu: Vec<Operation>,
    /// What the peer does, in order.
    pub peer: Vec<PeerOperation>,
    /// The seed of the schedule: who goes on when.
    pub schedule: u32,
}
