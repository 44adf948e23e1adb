//! A receiver as a channel whose transfers do not end by themselves.

use super::CircularStartError;
use crate::address::Region;
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::stm32f103::dma::{Engine, Laps, TransferError, map};
use crate::stm32f103::usart::{Frame, Instance, Receiver};
use crate::transfer::Channel;

/// `C`, that goes round its buffer until it is stopped, or fails.
#[derive(Debug)]
pub struct Endless<C>(pub(super) C);

// SAFETY:
// - `Engine`, which the channel is, promises the same, for any number of laps. The rest is as for `Receiver`.
unsafe impl<R: RegistersOf<P>, P: Instance, D: Registers + DmaFence, W: Frame> Channel
    for Endless<Receiver<R, P, D, W>>
{
    type Refusal = CircularStartError;
    type Error = TransferError;

    unsafe fn start(&mut self, region: Region) -> Result<(), CircularStartError> {
        let words = region.length / size_of::<W>();
        if !words.is_multiple_of(2) {
            return Err(CircularStartError::Odd { words });
        }
        // SAFETY:
        // - The channel is idle, and the region valid and left alone: the caller's debt, passed on unchanged.
        Ok(unsafe { self.0.begin(region, Laps::Endless) }?)
    }

    fn is_done(&self) -> bool {
        self.0.engine().flags() & map::TEIF != 0
    }

    unsafe fn end(&mut self, region: Region) -> Option<Result<(), TransferError>> {
        if !self.is_done() {
            return None;
        }
        // SAFETY:
        // - It was started with this region, and has not given it back: the caller's debt, passed on unchanged.
        let moved = unsafe { self.0.engine_mut().stop::<W>(region) };
        Some(Err(TransferError { moved }))
    }

    unsafe fn stop(&mut self, region: Region) -> usize {
        // SAFETY:
        // - As for `end`.
        let words = unsafe { self.0.engine_mut().stop::<W>(region) };
        words * size_of::<W>()
    }
}
