//! What CPU and host do: the operations that a case is made of.

use dma_api::usb::{GET_DESCRIPTOR, SET_ADDRESS, STANDARD_DEVICE_IN, STANDARD_DEVICE_OUT, Setup};
use sim_core::machine::Machine;

/// The most operations that either side of a case has.
///
/// A poll that is repeated 100 times while nobody else can go on counts as waiting forever (`explore::stepped`), so a
/// case stays well below.
pub const MOST_OPERATIONS: usize = 40;

/// The longest [`Operation::Start`]: six bytes more than a packet.
pub const LONGEST_START: u8 = 70;

/// The longest [`Operation::Wait`].
pub const LONGEST_WAIT: u8 = 8;

/// bRequest SET_CONFIGURATION: a request without data.
const SET_CONFIGURATION: u8 = 9;

/// One call of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `start` with so many bytes, up to [`LONGEST_START`].
    Start(u8),
    /// `start_zero_length`.
    StartZeroLength,
    /// `end`.
    End,
    /// `abort`.
    Abort,
    /// `busy`.
    Busy,
    /// `next_event`.
    NextEvent,
    /// `accept`.
    Accept,
    /// `stall`.
    Stall,
    /// `into_parts`, and an endpoint made of the parts.
    TakeApart,
    /// Nothing: so many polls, up to [`LONGEST_WAIT`], in which the others may go on.
    Wait(u8),
}

/// A request of the host: what a SETUP asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A control read of so many bytes, 1 or more.
    Read(u8),
    /// A request without data stage.
    NoData,
    /// SET_ADDRESS, of address 0: the chip answers by itself, and stays where the host finds it.
    SetAddress,
}

/// One step of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOperation {
    /// Bus reset.
    Reset,
    /// SETUP.
    Setup(Request),
    /// One IN token. NAK is an answer.
    InOnce,
    /// One OUT token with no bytes, as in the status stage of a read. NAK is an answer.
    OutStatusOnce,
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What the firmware calls, in order.
    pub cpu: Vec<Operation>,
    /// What the host does, in order.
    pub host: Vec<HostOperation>,
    /// The core; the driver has the fences that suffice on it.
    pub machine: Machine,
    /// Whether the firmware leaves out what is known to break a rule: see [`crate::conversation::Hazard`].
    pub careful: bool,
    /// The seed of the schedule: who goes on when.
    pub schedule: u32,
}

impl Request {
    /// The SETUP packet. `serial` tells it from all others, and stands in both ends of the packet, so that a mixture of
    /// two is neither.
    pub fn setup(self, serial: u8) -> Setup {
        let index = u16::from_le_bytes([serial, !serial]);
        let value = u16::from(serial);
        match self {
            Self::Read(length) => Setup {
                request_type: STANDARD_DEVICE_IN,
                request: GET_DESCRIPTOR,
                value,
                index,
                length: length.max(1).into(),
            },
            Self::NoData => {
                Setup { request_type: STANDARD_DEVICE_OUT, request: SET_CONFIGURATION, value, index, length: 0 }
            }
            Self::SetAddress => {
                Setup { request_type: STANDARD_DEVICE_OUT, request: SET_ADDRESS, value: 0, index, length: 0 }
            }
        }
    }
}
