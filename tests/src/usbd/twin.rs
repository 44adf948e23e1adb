//! Twins: the same property with one thing wrong, which must be found.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use dma_api::nrf52840::usbd::map;

use crate::sabotage::Mischief;
use crate::usbd::record::Record;

/// The END events of endpoint 1.
const BULK_ENDS: [u16; 2] = [map::events_endepin(1), map::events_endepout(1)];

/// Those of endpoint 8.
const ISOCHRONOUS_ENDS: [u16; 2] = [map::events_endisoin(), map::events_endisoout()];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The board's `acquire` does nothing.
    ForgetsAcquire,
    /// A Cortex-M7, and a driver with `compiler_fence`.
    WeakFences,
    /// ENDEPIN\[1\] and ENDEPOUT\[1\] read as 1: a buffer is handed back before the DMA is through with it.
    EndsAtOnce,
    /// Likewise, but in `write` and `read` only: the engine's own buffer is used too early.
    CopyEndsAtOnce,
    /// ENDISOIN and ENDISOOUT read as 1.
    StreamEndsAtOnce,
    /// EPIN\[1\].MAXCNT is one byte short.
    CutsPackets,
    /// Likewise, but in `write` only.
    CutsCopies,
    /// ISOIN.MAXCNT is one byte short.
    CutsStream,
    /// The bit of endpoint 1 in EPDATASTATUS reads as 1: a packet is overwritten that the host has not taken.
    SentAtOnce,
    /// After ENDISOIN or ENDISOOUT was seen, FRAMECNTR reads once as it did the last time: no transfer is late.
    HidesLateness,
    /// ISOOUTCRC reads as 0.
    HidesCorruption,
    /// The wire turns a toggle over, so that the device takes a packet for one that it has.
    WireLosesPacket,
    /// The wire loses the tokens that ask for an isochronous packet.
    WireLosesStream,
    /// The reference says that a buffer that is longer than a packet is sent.
    WrongReference,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 14] = [
        Self::ForgetsAcquire,
        Self::WeakFences,
        Self::EndsAtOnce,
        Self::CopyEndsAtOnce,
        Self::StreamEndsAtOnce,
        Self::CutsPackets,
        Self::CutsCopies,
        Self::CutsStream,
        Self::SentAtOnce,
        Self::HidesLateness,
        Self::HidesCorruption,
        Self::WireLosesPacket,
        Self::WireLosesStream,
        Self::WrongReference,
    ];
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ForgetsAcquire => "forgets-acquire",
            Self::WeakFences => "weak-fences",
            Self::EndsAtOnce => "ends-at-once",
            Self::CopyEndsAtOnce => "copy-ends-at-once",
            Self::StreamEndsAtOnce => "stream-ends-at-once",
            Self::CutsPackets => "cuts-packets",
            Self::CutsCopies => "cuts-copies",
            Self::CutsStream => "cuts-stream",
            Self::SentAtOnce => "sent-at-once",
            Self::HidesLateness => "hides-lateness",
            Self::HidesCorruption => "hides-corruption",
            Self::WireLosesPacket => "wire-loses-packet",
            Self::WireLosesStream => "wire-loses-stream",
            Self::WrongReference => "wrong-reference",
        })
    }
}

/// What is wrong with the board.
#[derive(Clone, Debug)]
pub struct Wrong {
    twin: Twin,
    record: Rc<Record>,
    /// What FRAMECNTR held at the last read.
    frame: Rc<Cell<u32>>,
    /// An isochronous END was seen since.
    has_ended: Rc<Cell<bool>>,
}

impl Wrong {
    /// What this twin gets wrong; `record` says when.
    pub fn new(twin: Twin, record: Rc<Record>) -> Self {
        Self { twin, record, frame: Rc::default(), has_ended: Rc::default() }
    }

    fn is_copying(&self) -> bool {
        self.record.is_copying.get()
    }

    /// FRAMECNTR, or what it was before an END was seen.
    fn frame_after_end(&self, value: u32) -> u32 {
        if self.has_ended.take() {
            return self.frame.get();
        }
        self.frame.set(value);
        value
    }
}

impl Mischief for Wrong {
    fn reads(&self, offset: u16, read: impl FnOnce() -> u32) -> u32 {
        let value = read();
        match self.twin {
            Twin::EndsAtOnce if BULK_ENDS.contains(&offset) => 1,
            Twin::CopyEndsAtOnce if BULK_ENDS.contains(&offset) && self.is_copying() => 1,
            Twin::StreamEndsAtOnce if ISOCHRONOUS_ENDS.contains(&offset) => 1,
            Twin::SentAtOnce if offset == map::epdatastatus() => value | 1 << 1,
            Twin::HidesLateness if ISOCHRONOUS_ENDS.contains(&offset) => {
                self.has_ended.set(value != 0);
                value
            }
            Twin::HidesLateness if offset == map::framecntr() => self.frame_after_end(value),
            Twin::HidesCorruption if offset == map::eventcause() => value & !map::eventcause::ISOOUTCRC.mask(),
            _ => value,
        }
    }

    fn writes(&self, offset: u16, value: u32) -> Option<u32> {
        let shorter = Some(value.saturating_sub(1));
        match self.twin {
            Twin::CutsPackets if offset == map::epin_maxcnt(1) => shorter,
            Twin::CutsCopies if offset == map::epin_maxcnt(1) && self.is_copying() => shorter,
            Twin::CutsStream if offset == map::isoin_maxcnt() => shorter,
            _ => Some(value),
        }
    }

    fn forgets_acquire(&self) -> bool {
        self.twin == Twin::ForgetsAcquire
    }
}
