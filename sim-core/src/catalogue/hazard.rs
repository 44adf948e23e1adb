//! What can go wrong with DMA, in classes.

use std::fmt;

use serde::Serialize;

/// A class of hazards.
///
/// See [`Case`](super::Case) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Hazard {
    /// A borrow is leaked, and its end is no end of the transfer.
    H1,
    /// Early drop, cancellation, a return by an error: the DMA runs on.
    H2,
    /// The address is not stable, or not the buffer's.
    H3,
    /// A trait that is safe to implement is believed.
    H4,
    /// A fence is missing, too weak, or in the wrong place.
    H5,
    /// The CPU uses memory that the DMA uses.
    H6,
    /// A second start, a channel with two owners, an engine that is shared.
    H7,
    /// A stop that is not waited for; an end that is none.
    H8,
    /// Wrong unit, width or range.
    H9,
    /// Memory that the DMA cannot reach, or not at this address.
    H10,
    /// Caches.
    H11,
    /// Circular and double buffers.
    H12,
    /// Bytes that nobody has written.
    H13,
    /// Descriptors; devices that are not trusted.
    H14,
}

impl Hazard {
    /// All classes.
    pub const ALL: [Self; 14] = [
        Self::H1,
        Self::H2,
        Self::H3,
        Self::H4,
        Self::H5,
        Self::H6,
        Self::H7,
        Self::H8,
        Self::H9,
        Self::H10,
        Self::H11,
        Self::H12,
        Self::H13,
        Self::H14,
    ];

    /// The class in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::H1 => "leak of a borrow",
            Self::H2 => "early drop, cancel, error return",
            Self::H3 => "unstable or unowned address",
            Self::H4 => "safe trait that is trusted",
            Self::H5 => "missing or misplaced fence",
            Self::H6 => "access in flight",
            Self::H7 => "double start, shared channel",
            Self::H8 => "stop not drained, end that is none",
            Self::H9 => "wrong unit, width, range",
            Self::H10 => "region, alignment",
            Self::H11 => "cache",
            Self::H12 => "circular, double buffer",
            Self::H13 => "partial, uninitialised",
            Self::H14 => "descriptors, hostile device",
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
