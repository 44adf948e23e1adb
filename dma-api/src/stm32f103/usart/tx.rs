//! The transmitting half, which reads neither flags nor data.

use core::marker::PhantomData;

use super::frame::Frame;
use super::map::{self, sr};
use super::{Instance, Sender, Status};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};

/// The transmitting half of USART `P`, in frames of `W`.
///
/// See the [module](super) of `Usart` for an example.
#[derive(Debug)]
pub struct Tx<R, P, W = u8> {
    registers: R,
    sent: Sent,
    of: PhantomData<(P, W)>,
}

/// What became of the frames that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Sent {
    /// They are over the wire, or there were none.
    Left,
    /// TC will say when they are: it was cleared before them.
    Leaving,
    /// They may be, and TC will perhaps not say: it was cleared for frames that then did not come.
    Untold,
}

impl<R: RegistersOf<P>, P: Instance, W: Frame> Tx<R, P, W> {
    pub(super) fn new(registers: R) -> Self {
        Self { registers, sent: Sent::Left, of: PhantomData }
    }

    /// Sends a frame: waits until there is room for it. `receiver` reads SR.
    pub fn write(&mut self, frame: W, receiver: &mut impl Status<P>) {
        while !sr::TXE.is_set(receiver.status()) {}
        // After the read of SR above, this clears TC.
        self.set(map::dr(), frame.into_dr());
        self.sent = Sent::Leaving;
    }

    /// Waits until all that was sent is over the wire. `receiver` reads SR.
    ///
    /// It takes the hardware's word for it (TC), as the manual does, and that has a limit: if the DMA comes to its next
    /// frame later than the one before is over the wire, because others keep it from the bus for so long, then TC is
    /// set in the middle and stays. This may then return before the last two frames have left. The same goes for the
    /// last frame of all, if the next transfer was stopped before its first.
    ///
    /// And if a transfer is started while the one before is on the wire, whose last frame leaves between the start's
    /// writes of SR and CCR, then TC is set and stays, too. Flush before the start, if what comes after it matters. (To
    /// clear TC after CCR would be worse: a transfer that is over by then would never set it again.)
    pub fn flush(&mut self, receiver: &mut impl Status<P>) {
        while !self.is_flushed(receiver) {}
    }

    /// Whether all that was sent is over the wire: see [`flush`](Self::flush).
    pub fn is_flushed(&mut self, receiver: &mut impl Status<P>) -> bool {
        let told_by = match self.sent {
            Sent::Left => return true,
            Sent::Leaving => sr::TC,
            Sent::Untold => sr::TXE,
        };
        if told_by.is_set(receiver.status()) {
            self.sent = Sent::Left;
        }
        self.sent == Sent::Left
    }

    /// The half, with the channel of DMA1 that is wired to it: as a [`Sender`], it sends buffers.
    ///
    /// The wrong channel is another type:
    ///
    /// ```compile_fail,E0308
    /// # use dma_api::fence::InOrder;
    /// # use dma_api::stm32f103::dma::{ChipDma1, Dma1Channels};
    /// # use dma_api::stm32f103::usart::{ChipUsart1, Tx, Usart1};
    /// fn sends_by_the_receivers(tx: Tx<ChipUsart1, Usart1>, channels: Dma1Channels<ChipDma1<InOrder>>) {
    ///     tx.with_dma(channels.c5); // expected `Channel<_, _, 4>`, found `Channel<_, _, 5>`
    /// }
    /// ```
    pub fn with_dma<D: Registers + DmaFence>(self, channel: P::Transmit<D>) -> Sender<R, P, D, W> {
        Sender::new(self, channel)
    }

    /// Clears TC: frames will follow. [`sends_end`](Self::sends_end) says whether they have.
    ///
    /// The bus may hold a write back, and USART and DMA are behind different bridges. A write of SR that took effect
    /// after the last frame would clear the TC that tells of it, and that would never be set again. So a register is
    /// read back: BRR, since a read of it does nothing else.
    pub(super) fn clear_complete(&mut self) {
        self.set(sr(), ALL & !sr::TC.mask());
        self.registers.read(map::brr());
    }

    /// Frames were sent since TC was cleared, or none.
    pub(super) fn sends_end(&mut self, any: bool) {
        self.sent = match self.sent {
            _ if any => Sent::Leaving,
            Sent::Left => Sent::Left,
            Sent::Leaving | Sent::Untold => Sent::Untold,
        };
    }

    /// Sets a register.
    pub(super) fn set(&self, offset: u16, value: u32) {
        // SAFETY:
        // - It starts no transfer: a USART asks a channel for items, and whoever has enabled the channel answers for
        //   its memory.
        unsafe { self.registers.write(offset, value) }
    }
}

/// All flags of SR: where software can write 0 to clear, 1 leaves a flag as it is.
const ALL: u32 = map::REGISTERS[0].mask();
