//! The receiving half, which owns SR.

use core::marker::PhantomData;

use super::error::LineError;
use super::frame::Frame;
use super::map::{self, sr};
use super::{Instance, Receiver};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::circular::Circular;
use crate::transfer::Transfer;

/// The receiving half of USART `P`, in frames of `W`.
///
/// See the [module](super) of `Usart` for an example.
#[derive(Debug)]
pub struct Rx<R, P, W = u8> {
    registers: R,
    /// Errors that SR has shown when the other half wanted to know something.
    noted: u32,
    of: PhantomData<(P, W)>,
}

impl<R: RegistersOf<P>, P: Instance, W: Frame> Rx<R, P, W> {
    pub(super) fn new(registers: R) -> Self {
        Self { registers, noted: 0, of: PhantomData }
    }

    /// Receives a frame: waits for it.
    ///
    /// # Errors
    ///
    /// What went wrong on the line, once. The frame that waits is gone with it, also if it was a good one.
    pub fn read(&mut self) -> Result<W, LineError> {
        loop {
            let status = self.status();
            if let Some(error) = self.clear(status) {
                return Err(error);
            }
            if sr::RXNE.is_set(status) {
                return Ok(W::from_dr(self.registers.read(map::dr())));
            }
        }
    }

    /// The half, with the channel of DMA1 that is wired to it: as a [`Receiver`], it fills buffers.
    ///
    /// The wrong channel is another type:
    ///
    /// ```compile_fail,E0308
    /// # use dma_api::fence::InOrder;
    /// # use dma_api::stm32f103::dma::{ChipDma1, Dma1Channels};
    /// # use dma_api::stm32f103::usart::{ChipUsart1, Rx, Usart1};
    /// fn receives_by_the_transmitters(rx: Rx<ChipUsart1, Usart1>, channels: Dma1Channels<ChipDma1<InOrder>>) {
    ///     rx.with_dma(channels.c4); // expected `Channel<_, _, 5>`, found `Channel<_, _, 4>`
    /// }
    /// ```
    pub fn with_dma<D: Registers + DmaFence>(self, channel: P::Receive<D>) -> Receiver<R, P, D, W> {
        Receiver::new(self, channel)
    }

    /// Forgets whatever was received.
    pub(super) fn discard(&mut self) {
        self.status();
        self.registers.read(map::dr());
        self.noted = 0;
    }

    /// What went wrong so far, according to `status`, read just now. The flags are cleared: by the read of SR that was,
    /// and one of DR.
    pub(super) fn clear(&mut self, status: u32) -> Option<LineError> {
        if status & LineError::FLAGS != 0 {
            self.registers.read(map::dr());
        }
        self.take_noted()
    }

    /// What went wrong so far. A flag that is up stays so, until the DMA reads DR.
    pub(in crate::stm32f103) fn take_noted(&mut self) -> Option<LineError> {
        LineError::of(core::mem::take(&mut self.noted))
    }

    /// Reads SR, and keeps what errors it shows.
    pub(in crate::stm32f103) fn status(&mut self) -> u32 {
        let status = self.registers.read(sr());
        self.noted |= status & LineError::FLAGS;
        status
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// Who can say what SR of USART `P` is: its receiving half, whatever it does just now.
///
/// A read of SR is half of what clears the receiver's error flags: the other half is a read of DR, and the DMA does
/// many. So the transmitting half does not read SR. It asks here, where the errors that are seen on the way are kept.
///
/// See the [module](super) of `Usart` for an example.
pub trait Status<P>: sealed::Sealed {
    /// SR.
    fn status(&mut self) -> u32;
}

impl<R, P, W> sealed::Sealed for Rx<R, P, W> {}

impl<R: RegistersOf<P>, P: Instance, W: Frame> Status<P> for Rx<R, P, W> {
    fn status(&mut self) -> u32 {
        Rx::status(self)
    }
}

impl<R, P: Instance, D: Registers + DmaFence, W> sealed::Sealed for Receiver<R, P, D, W> {}

impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Status<P> for Receiver<R, P, D, W> {
    fn status(&mut self) -> u32 {
        self.rx().status()
    }
}

impl<B, R, P, D, W> sealed::Sealed for Transfer<B, Receiver<R, P, D, W>>
where
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
}

impl<B, R, P, D, W> Status<P> for Transfer<B, Receiver<R, P, D, W>>
where
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
    fn status(&mut self) -> u32 {
        self.channel_mut().rx().status()
    }
}

impl<B, R, P, D, W> sealed::Sealed for Circular<B, Receiver<R, P, D, W>>
where
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
}

impl<B, R, P, D, W> Status<P> for Circular<B, Receiver<R, P, D, W>>
where
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
    fn status(&mut self) -> u32 {
        self.receiver().rx().status()
    }
}
