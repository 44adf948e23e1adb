//! Twins: the same property with one thing wrong, which must be found.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use dma_api::stm32f103::dma::map::{self, GIF, HTIF, TCIF, ccr, flags_of};
use dma_api::stm32f103::usart::map::sr;

use crate::sabotage::Mischief;

/// The channels of USART1, as arrays of registers count them.
pub const CHANNELS: [u16; 2] = [3, 4];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The board's `acquire` does nothing.
    ForgetsAcquire,
    /// A Cortex-M7, and a driver with `compiler_fence`.
    WeakFences,
    /// TCIF reads as 1: a buffer is handed back before the DMA is through with it.
    EndsAtOnce,
    /// CCR is not read back after EN=0: the item in flight is not waited for.
    StopsAtOnce,
    /// Of a circular transfer the flag of the half that is not expected reads as 0: a lap is lost.
    LosesLap,
    /// ORE reads as 0.
    HidesOverrun,
    /// CNDTR is one item short.
    CutsTransfers,
    /// The wire loses a frame on its way to the chip.
    WireLosesFrame,
    /// The wire loses a frame on its way to the peer.
    WireLosesAnswer,
    /// The reference says that a circular buffer of an odd length is not refused.
    WrongReference,
    /// The firmware reads a buffer of simulated RAM that the DMA has.
    ReadsInFlight,
}

impl Twin {
    /// All twins.
    pub const ALL: [Self; 11] = [
        Self::ForgetsAcquire,
        Self::WeakFences,
        Self::EndsAtOnce,
        Self::StopsAtOnce,
        Self::LosesLap,
        Self::HidesOverrun,
        Self::CutsTransfers,
        Self::WireLosesFrame,
        Self::WireLosesAnswer,
        Self::WrongReference,
        Self::ReadsInFlight,
    ];
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ForgetsAcquire => "forgets-acquire",
            Self::WeakFences => "weak-fences",
            Self::EndsAtOnce => "ends-at-once",
            Self::StopsAtOnce => "stops-at-once",
            Self::LosesLap => "loses-lap",
            Self::HidesOverrun => "hides-overrun",
            Self::CutsTransfers => "cuts-transfers",
            Self::WireLosesFrame => "wire-loses-frame",
            Self::WireLosesAnswer => "wire-loses-answer",
            Self::WrongReference => "wrong-reference",
            Self::ReadsInFlight => "reads-in-flight",
        })
    }
}

/// What is wrong with DMA1.
#[derive(Clone, Debug)]
pub struct OfDma {
    twin: Twin,
    /// Where the DMA goes in place of the driver's buffers, for [`Twin::ReadsInFlight`].
    ram: u32,
    /// Of each channel: the flag of the half that is expected, 0 if none is.
    expected: Rc<[Cell<u32>; 2]>,
    /// The next read of ISR comes after a half.
    second_look: Rc<Cell<bool>>,
}

impl OfDma {
    /// What this twin gets wrong.
    pub fn new(twin: Twin, ram: u32) -> Self {
        Self { twin, ram, expected: Rc::default(), second_look: Rc::default() }
    }

    /// Notes that a channel is started, or stopped: only one that goes round has laps.
    fn note_mode(&self, offset: u16, value: u32) {
        for (expected, channel) in self.expected.iter().zip(CHANNELS) {
            if offset == ccr(channel) && !ccr::CIRC.is_set(value) {
                expected.set(0);
            }
        }
    }

    /// Notes which half is expected next, by what is cleared.
    fn note_cleared(&self, value: u32) {
        for (expected, channel) in self.expected.iter().zip(CHANNELS) {
            let next = match value >> flags_of(channel) & 0xF {
                0 => continue,
                HTIF => TCIF,
                TCIF | GIF => HTIF,
                _ => 0,
            };
            self.second_look.set(next != 0 && value >> flags_of(channel) & GIF == 0);
            expected.set(next);
        }
    }

    /// ISR without the flags that say of a lap that it was lost.
    fn without_lap(&self, value: u32) -> u32 {
        let mut shown = value;
        let is_second = self.second_look.take();
        for (expected, channel) in self.expected.iter().zip(CHANNELS) {
            let both = (HTIF | TCIF) << flags_of(channel);
            if is_second {
                shown &= !both;
            } else if value & both == both && expected.get() != 0 {
                shown &= !(both & !(expected.get() << flags_of(channel)));
            }
        }
        shown
    }
}

impl Mischief for OfDma {
    fn reads(&self, offset: u16, read: impl FnOnce() -> u32) -> u32 {
        match self.twin {
            Twin::StopsAtOnce if CHANNELS.map(ccr).contains(&offset) => 0,
            Twin::EndsAtOnce if offset == map::isr() => {
                read() | CHANNELS.map(|n| TCIF << flags_of(n)).iter().sum::<u32>()
            }
            Twin::LosesLap if offset == map::isr() => self.without_lap(read()),
            _ => read(),
        }
    }

    fn writes(&self, offset: u16, value: u32) -> Option<u32> {
        match self.twin {
            Twin::CutsTransfers if CHANNELS.map(map::cndtr).contains(&offset) && value > 1 => Some(value - 1),
            Twin::ReadsInFlight if CHANNELS.map(map::cmar).contains(&offset) => Some(self.ram),
            Twin::LosesLap if offset == map::ifcr() => {
                self.note_cleared(value);
                Some(value)
            }
            Twin::LosesLap => {
                self.note_mode(offset, value);
                Some(value)
            }
            _ => Some(value),
        }
    }

    fn forgets_acquire(&self) -> bool {
        self.twin == Twin::ForgetsAcquire
    }
}

/// What is wrong with USART1.
#[derive(Clone, Debug)]
pub struct OfUsart(pub Twin);

impl Mischief for OfUsart {
    fn reads(&self, offset: u16, read: impl FnOnce() -> u32) -> u32 {
        match self.0 {
            Twin::HidesOverrun if offset == sr() => read() & !sr::ORE.mask(),
            _ => read(),
        }
    }
}
