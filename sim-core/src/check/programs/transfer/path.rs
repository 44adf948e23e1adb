//! The ways in which dma-api starts or ends a DMA.

use std::fmt;

use serde::Serialize;

use crate::device::Chip;

/// A way in which a DMA is started and ended.
///
/// *Not here*: a transfer that SHORT EP0DATADONE_STARTEPOUT0 starts. No driver of dma-api sets it.
///
/// See [`FencePlace`](crate::machine::FencePlace) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// USBD: `Ep0In::start` and `end`.
    Ep0In,
    /// USBD: `EpIn::send`, waited for.
    EpIn,
    /// USBD: dropped, which waits.
    EpInDropped,
    /// USBD: refused, since the memory is out of reach; then sent from memory that is not.
    EpInRefused,
    /// USBD: `EpIn::write`, by way of the engine's buffer.
    EpInWrites,
    /// USBD: `EpOut::receive`, waited for.
    EpOut,
    /// USBD: dropped, which waits.
    EpOutDropped,
    /// USBD: `EpOut::read`, by way of the engine's buffer.
    EpOutReads,
    /// USBD: `Control::write`, for a control read.
    ControlIn,
    /// USBD: `Control::permit` and `read`, for a control write.
    ControlOut,
    /// USBD: `IsoIn::send`, waited for.
    IsoIn,
    /// USBD: `IsoOut::receive`, waited for.
    IsoOut,
    /// `Sender::write_all`, waited for.
    Sends,
    /// Twice.
    SendsTwice,
    /// Stopped at once: the DMA has read all of it, or nothing.
    SendStops,
    /// Dropped at once.
    SendDrops,
    /// Borrowed memory.
    SendScopes,
    /// Refused, since the memory is out of reach; then sent from memory that is not.
    SendRefused,
    /// The bus has an error for the second item.
    SendFails,
    /// `Receiver::read_exact`, waited for.
    Receives,
    /// Stopped at once: the DMA has moved all of it, or nothing.
    Stops,
    /// Dropped at once.
    Drops,
    /// Borrowed memory.
    Scopes,
    /// Awaited, with a handler.
    Awaits,
    /// The bus has an error for the second item.
    ReceiveFails,
    /// Both halves of a buffer that is received into for ever.
    Circular,
    /// Both halves of one that is sent for ever, and the first again, filled anew.
    CircularSends,
}

impl Path {
    /// All paths.
    pub const ALL: [Self; 27] = [
        Self::Ep0In,
        Self::EpIn,
        Self::EpInDropped,
        Self::EpInRefused,
        Self::EpInWrites,
        Self::EpOut,
        Self::EpOutDropped,
        Self::EpOutReads,
        Self::ControlIn,
        Self::ControlOut,
        Self::IsoIn,
        Self::IsoOut,
        Self::Sends,
        Self::SendsTwice,
        Self::SendStops,
        Self::SendDrops,
        Self::SendScopes,
        Self::SendRefused,
        Self::SendFails,
        Self::Receives,
        Self::Stops,
        Self::Drops,
        Self::Scopes,
        Self::Awaits,
        Self::ReceiveFails,
        Self::Circular,
        Self::CircularSends,
    ];

    /// The chip that it is of.
    pub fn chip(self) -> Chip {
        match self {
            Self::Ep0In
            | Self::EpIn
            | Self::EpInDropped
            | Self::EpInRefused
            | Self::EpInWrites
            | Self::EpOut
            | Self::EpOutDropped
            | Self::EpOutReads
            | Self::ControlIn
            | Self::ControlOut
            | Self::IsoIn
            | Self::IsoOut => Chip::Nrf52840,
            _ => Chip::Stm32f103,
        }
    }

    /// Whether the DMA writes memory.
    pub fn fills_memory(self) -> bool {
        let is_from_host =
            matches!(self, Self::EpOut | Self::EpOutDropped | Self::EpOutReads | Self::ControlOut | Self::IsoOut);
        is_from_host || self.frames() > 0
    }

    /// How many frames the peer sends.
    pub(super) fn frames(self) -> u8 {
        match self {
            Self::Receives | Self::Scopes | Self::Awaits | Self::Stops | Self::Drops | Self::ReceiveFails => 2,
            Self::Circular => 4,
            _ => 0,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ep0In => "Ep0In: start, end",
            Self::EpIn => "EpIn::send, wait",
            Self::EpInDropped => "EpIn::send, drop",
            Self::EpInRefused => "EpIn::send, refused",
            Self::EpInWrites => "EpIn::write",
            Self::EpOut => "EpOut::receive, wait",
            Self::EpOutDropped => "EpOut::receive, drop",
            Self::EpOutReads => "EpOut::read",
            Self::ControlIn => "Control::write",
            Self::ControlOut => "Control: permit, read",
            Self::IsoIn => "IsoIn::send, wait",
            Self::IsoOut => "IsoOut::receive, wait",
            Self::Sends => "write_all, wait",
            Self::SendsTwice => "write_all twice",
            Self::SendStops => "write_all, stop",
            Self::SendDrops => "write_all, drop",
            Self::SendScopes => "Sender::scope",
            Self::SendRefused => "write_all, refused",
            Self::SendFails => "write_all, bus error",
            Self::Receives => "read_exact, wait",
            Self::Stops => "read_exact, stop",
            Self::Drops => "read_exact, drop",
            Self::Scopes => "Receiver::scope",
            Self::Awaits => "read_exact, await",
            Self::ReceiveFails => "read_exact, bus error",
            Self::Circular => "Receiver::circular",
            Self::CircularSends => "Sender::circular",
        })
    }
}
