//! Going round a buffer for ever: the DMA has one half, the CPU the other.
//!
//! The channel raises HTIF when it is through the first half, and TCIF when it is through the second; then it begins
//! again, whether anybody has looked or not. [`Circular::read`] copies the half whose turn it is out of a buffer that a
//! receiver fills; [`Circular::write`] fills it, in a buffer that a sender sends. What either does is its *turn*:
//!
//! | `next` | HTIF | TCIF | the turn |
//! |---|---|---|---|
//! | *first* | 0 | 0 | `None` |
//! | *first* | 1 | 0 | the first half -> *second* |
//! | *first* | any | 1 | `Overrun`, `Underrun` -> *lost* |
//! | *second* | 0 | 0 | `None` |
//! | *second* | 0 | 1 | the second half -> *first* |
//! | *second* | 1 | any | `Overrun`, `Underrun` -> *lost* |
//! | *lost* | any | any | finds its place, perhaps; `None` |
//!
//! ```no_run
//! # use dma_api::{fence::InOrder, stm32f103::dma::ChipDma1, stm32f103::usart};
//! # use dma_api::stm32f103::circular::{CircularError, CircularSendError};
//! # type Receiver = usart::Receiver<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! # type Sender = usart::Sender<usart::ChipUsart1, usart::Usart1, ChipDma1<InOrder>>;
//! # fn consume(_: &[u8]) {}
//! # fn produce(_: &mut [u8]) {}
//! fn listen(receiver: Receiver, buffer: &'static mut [u8; 64]) -> Result<(), CircularError> {
//!     let mut circular = receiver.circular(buffer).expect("64 is even");
//!     let mut half = [0; 32];
//!     loop {
//!         match circular.read(&mut half) {
//!             Ok(None) => {} // something else
//!             Ok(Some(_)) => consume(&half),
//!             Err(CircularError::Overrun | CircularError::Line(_)) => {} // frames are lost, or wrong; it goes on
//!             Err(error) => return Err(error),
//!         }
//!     }
//! }
//!
//! fn play(sender: Sender, buffer: &'static mut [u8; 64]) -> Result<(), CircularSendError> {
//!     produce(buffer); // both halves are sent once as they are
//!     let mut circular = sender.circular(buffer).expect("64 is even");
//!     let mut half = [0; 32];
//!     produce(&mut half);
//!     loop {
//!         match circular.write(&half) {
//!             Ok(None) => {} // something else
//!             Ok(Some(_)) => produce(&mut half),
//!             Err(CircularSendError::Underrun) => {} // old frames were sent again, or these too late; it goes on
//!             Err(error) => return Err(error),
//!         }
//!     }
//! }
//! ```
//!
//! # Why no half is torn and no lap is missed
//!
//! Let HTIF be the expected flag; the other half is the same. Whenever a turn was taken, or a place found, both flags
//! had been cleared at some moment since which the DMA has crossed no boundary but, perhaps, the expected one. The
//! boundaries alternate. So:
//!
//! 1. ISR shows HTIF and no TCIF: the DMA has crossed the middle once and not the end, and is in the second half.
//! 2. The first half is copied, or filled.
//! 3. HTIF is cleared. If the DMA was fast, and has crossed the end and then the middle again by now, a new HTIF is
//!    cleared with the old one. But then the end was crossed, too, and its TCIF stands: nobody has cleared that.
//! 4. ISR is read again. With TCIF the DMA may have been in the first half during 2: `Overrun`, and nothing is handed
//!    out; or `Underrun`. Without it, the DMA has not crossed the end between its middle and this read: it has been in
//!    the second half all the time. The copy is whole; what was filled will be read as a whole.
//! 5. TCIF is expected now. HTIF was cleared while the DMA was in the second half (by 4), so if it is seen again, the
//!    end *and* the middle were crossed: a lap was missed, and the other row says so.
//!
//! After that the place is found like this: clear both flags, read CNDTR, read ISR. If that shows neither flag, the DMA
//! has crossed no boundary in between, and CNDTR says in which half it is. Otherwise it is tried again at the next
//! turn. What was lost is reported once, and what comes after it is whole again.
//!
//! The CPU accesses the half while the DMA runs: by [`DmaFence::snapshot`](crate::fence::DmaFence::snapshot), after the
//! first read of ISR and before the second; by [`DmaFence::fill`](crate::fence::DmaFence::fill), after the first read
//! of ISR and before the write of IFCR, which is what hands the half over. No reference to the buffer is made.
//!
//! *Not here*: interrupts at the halves: ask as often as half a buffer takes. An end at a given word: `stop` comes
//! when it comes, and up to there old words are sent again; send what has an end by `write_all`.

use core::fmt;

use super::dma::{Engine, TransferError, map};
use crate::address::Region;
use crate::transfer::{Held, Refused, Transfer};

mod endless;
mod receive;
mod send;
#[cfg(test)]
mod tests;

pub use endless::CircularStartError;
pub(super) use endless::Circulates;
use endless::Endless;
pub use receive::CircularError;
pub use send::CircularSendError;

/// The flags of both halves.
pub(super) const BOUNDARIES: u32 = map::HTIF | map::TCIF;

/// Which half of the buffer is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

impl Half {
    /// The flag that says that the DMA is through with it.
    const fn flag(self) -> u32 {
        match self {
            Self::First => map::HTIF,
            Self::Second => map::TCIF,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Why a turn was not taken.
enum Trouble {
    /// The DMA came round.
    Faster,
    /// An access of it has failed, and it does nothing any more.
    Failed(TransferError),
}

/// A buffer that the DMA goes round for ever, and the sender or receiver that it does it for.
///
/// Dropping it stops the channel, waits until that is drained, and drops both; forgetting it loses both, and breaks
/// nothing: the buffer is `'static`.
///
/// See the [module](self) for an example.
#[doc(alias("CircBuffer", "RingBuffer"))]
pub struct Circular<B, C: Circulates> {
    transfer: Transfer<B, Endless<C>>,
    /// `None`: the DMA was faster, and the place is not found yet.
    next: Option<Half>,
}

impl<B, C: Circulates> Circular<B, C> {
    /// Starts to go round the buffer that is held.
    ///
    /// # Safety
    ///
    /// - As for [`Transfer::start`].
    unsafe fn start(endless: Endless<C>, held: Held<B>) -> Result<Self, Refused<CircularStartError<C::Refusal>, C, B>> {
        // SAFETY:
        // - None runs, and it is not forgotten: the caller's debt, passed on unchanged.
        match unsafe { Transfer::start(endless, held) } {
            Ok(transfer) => Ok(Self { transfer, next: Some(Half::First) }),
            Err(Refused { kind, channel, buffer }) => Err(Refused { kind, channel: channel.channel, buffer }),
        }
    }

    /// How many words a half has.
    pub fn half(&self) -> usize {
        self.transfer.region().length / size_of::<C::Word>() / 2
    }

    /// Stops. Gives back the buffer, and the sender or receiver.
    pub fn stop(self) -> (B, C) {
        let (buffer, Endless { channel, .. }, _) = self.transfer.stop();
        (buffer, channel)
    }

    fn engine(&self) -> &C::Engine {
        self.transfer.channel().channel.engine()
    }

    /// Takes a turn: `access` is done to the half that is next, if the DMA is through with it. Whether it was.
    fn turn(&mut self, access: impl FnOnce(&C::Engine, Region)) -> Result<bool, Trouble> {
        let flags = self.engine().flags();
        self.transfer.channel_mut().has_moved |= flags & BOUNDARIES != 0;
        let Some(half) = self.next else {
            self.find_place();
            return self.nothing(flags);
        };
        if flags & half.other().flag() != 0 {
            return Err(self.faster());
        }
        if flags & half.flag() == 0 {
            return self.nothing(flags);
        }
        access(self.engine(), self.part(half));
        // This write is what hands over what was filled.
        self.engine().clear(half.flag());
        if self.engine().flags() & half.other().flag() != 0 {
            return Err(self.faster());
        }
        self.next = Some(half.other());
        Ok(true)
    }

    /// The memory of a half.
    fn part(&self, half: Half) -> Region {
        let region = self.transfer.region();
        let length = region.length / 2;
        let start = if half == Half::First { 0 } else { length };
        Region { pointer: region.pointer.wrapping_add(start), length, ..region }
    }

    /// The DMA is in the half that is next. `flags` says whether it will come through.
    fn nothing(&self, flags: u32) -> Result<bool, Trouble> {
        if flags & map::TEIF == 0 {
            return Ok(false);
        }
        let moved = self.engine().moved::<C::Word>(self.transfer.region());
        Err(Trouble::Failed(TransferError { moved }))
    }

    /// The DMA was faster.
    fn faster(&mut self) -> Trouble {
        self.next = None;
        self.find_place();
        Trouble::Faster
    }

    /// Finds out which half the DMA is in, unless it goes over to the other one just now.
    fn find_place(&mut self) {
        let engine = self.engine();
        engine.clear(BOUNDARIES);
        let left = engine.left();
        if engine.flags() & BOUNDARIES != 0 || left == 0 {
            return;
        }
        self.next = Some(if left > self.half() { Half::First } else { Half::Second });
    }
}

impl<B, C: Circulates> fmt::Debug for Circular<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circular").field("transfer", &self.transfer).field("next", &self.next).finish()
    }
}
