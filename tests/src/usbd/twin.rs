//! Twins: the same property with one thing wrong, which must be found.

use std::fmt;

use dma_api::nrf52840::usbd::map;

use crate::sabotage::Mischief;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The board's `acquire` does nothing.
    ForgetsAcquire,
    /// A Cortex-M7, and a driver with `compiler_fence`.
    WeakFences,
    /// ENDEPIN\[1\] and ENDEPOUT\[1\] read as 1: a buffer is handed back before the DMA is through with it.
    EndsAtOnce,
    /// EPIN\[1\].MAXCNT is one byte short.
    CutsPackets,
    /// The bit of endpoint 1 in EPDATASTATUS reads as 1: a packet is overwritten that the host has not taken.
    SentAtOnce,
    /// The wire turns a toggle over, so that the device takes a packet for one that it has.
    WireLosesPacket,
    /// The reference says that a buffer that is longer than a packet is sent.
    WrongReference,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 7] = [
        Self::ForgetsAcquire,
        Self::WeakFences,
        Self::EndsAtOnce,
        Self::CutsPackets,
        Self::SentAtOnce,
        Self::WireLosesPacket,
        Self::WrongReference,
    ];
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ForgetsAcquire => "forgets-acquire",
            Self::WeakFences => "weak-fences",
            Self::EndsAtOnce => "ends-at-once",
            Self::CutsPackets => "cuts-packets",
            Self::SentAtOnce => "sent-at-once",
            Self::WireLosesPacket => "wire-loses-packet",
            Self::WrongReference => "wrong-reference",
        })
    }
}

impl Mischief for Twin {
    fn reads(&self, offset: u16, read: impl FnOnce() -> u32) -> u32 {
        let value = read();
        match self {
            Self::EndsAtOnce if [map::events_endepin(1), map::events_endepout(1)].contains(&offset) => 1,
            Self::SentAtOnce if offset == map::epdatastatus() => value | 1 << 1,
            _ => value,
        }
    }

    fn writes(&self, offset: u16, value: u32) -> Option<u32> {
        match self {
            Self::CutsPackets if offset == map::epin_maxcnt(1) => Some(value.saturating_sub(1)),
            _ => Some(value),
        }
    }

    fn forgets_acquire(&self) -> bool {
        *self == Self::ForgetsAcquire
    }
}
