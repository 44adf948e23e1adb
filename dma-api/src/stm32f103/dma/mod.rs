//! DMA1 and DMA2: channels that move items when a peripheral asks for them.
//!
//! A controller is split into its channels once. Each is a value that cannot be copied, and its number is part of its
//! type, so that a peripheral takes the one that is wired to it and no other:
//!
//! ```no_run
//! # use dma_api::fence::InOrder;
//! # use dma_api::registers::Volatile;
//! # use dma_api::stm32f103::dma::{ChipDma1, Dma1};
//! // SAFETY: this runs on an STM32F103, nobody else uses DMA1, and nobody has before.
//! let registers = unsafe { Volatile::new() };
//! // SAFETY: a Cortex-M3 is in order, and CPU and DMA share the bus.
//! let dma1 = unsafe { ChipDma1::new(registers, InOrder) };
//! let channels = Dma1::split(dma1);
//! let (transmit, receive) = (channels.c4, channels.c5); // USART1's
//! ```
//!
//! The controller's clock is on (RCC_AHBENR): turn it on before.
//!
//! *Modelled*: transfers between memory and a peripheral, of one lap or circular, in words of 8, 16 and 32 bits;
//! priorities; errors; stopping; the interrupts of an end and of an error. *Not modelled*: transfers from memory to
//! memory; items whose two sides differ in width; a memory address that stands still.

mod channel;
mod error;
#[cfg(target_has_atomic = "ptr")]
mod interrupt;
pub mod map;
#[cfg(test)]
mod tests;
mod word;

pub use channel::{Channel, Priority};
pub(super) use channel::{Engine, Laps};
pub use error::{StartError, TransferError};
#[cfg(target_has_atomic = "ptr")]
use interrupt::Listener;
#[cfg(target_has_atomic = "ptr")]
pub use interrupt::{AtomicWaker, Interrupt};
pub use word::Word;

use crate::fence::DmaFence;
use crate::registers::{Bus, Peripheral, RegistersOf, Share, Volatile};

/// DMA1, with seven channels.
///
/// See the [module](self) for an example.
#[derive(Debug)]
pub enum Dma1 {}

/// DMA2, with five channels: in chips of high density only.
///
/// See the [module](self) for an example, with DMA1.
#[derive(Debug)]
pub enum Dma2 {}

impl Peripheral for Dma1 {
    const BASE: usize = map::DMA1;
}

impl Peripheral for Dma2 {
    const BASE: usize = map::DMA2;
}

// SAFETY:
// - `Volatile::new` was promised that the peripheral is there.
// - And that nobody else uses it.
unsafe impl RegistersOf<Dma1> for Volatile<{ map::DMA1 }, 0x400> {}

// SAFETY:
// - As above.
unsafe impl RegistersOf<Dma2> for Volatile<{ map::DMA2 }, 0x400> {}

/// DMA1 of the real chip: its registers, and the fence of its core.
///
/// See the [module](self) for an example.
pub type ChipDma1<F> = Bus<Volatile<{ map::DMA1 }, 0x400>, F>;

/// DMA2 of the real chip.
///
/// See the [module](self) for an example, with DMA1.
pub type ChipDma2<F> = Bus<Volatile<{ map::DMA2 }, 0x400>, F>;

/// The channels of [`Dma1`].
///
/// See the [module](self) for an example.
#[derive(Debug)]
#[doc(alias = "Channels")]
pub struct Dma1Channels<R> {
    /// Channel 1.
    pub c1: Channel<R, Dma1, 1>,
    /// Channel 2: USART3 sends.
    pub c2: Channel<R, Dma1, 2>,
    /// Channel 3: USART3 receives.
    pub c3: Channel<R, Dma1, 3>,
    /// Channel 4: USART1 sends.
    pub c4: Channel<R, Dma1, 4>,
    /// Channel 5: USART1 receives.
    pub c5: Channel<R, Dma1, 5>,
    /// Channel 6: USART2 receives.
    pub c6: Channel<R, Dma1, 6>,
    /// Channel 7: USART2 sends.
    pub c7: Channel<R, Dma1, 7>,
}

/// The channels of [`Dma2`].
///
/// See the [module](self) for an example, with DMA1.
#[derive(Debug)]
#[doc(alias = "Channels")]
pub struct Dma2Channels<R> {
    /// Channel 1.
    pub c1: Channel<R, Dma2, 1>,
    /// Channel 2.
    pub c2: Channel<R, Dma2, 2>,
    /// Channel 3.
    pub c3: Channel<R, Dma2, 3>,
    /// Channel 4.
    pub c4: Channel<R, Dma2, 4>,
    /// Channel 5.
    pub c5: Channel<R, Dma2, 5>,
}

impl Dma1 {
    /// Takes the controller apart.
    ///
    /// Each channel is stopped and its flags are cleared: a bootloader may have left it running. What such a transfer
    /// has written by then is written; from here on it writes no more.
    pub fn split<R: RegistersOf<Self> + DmaFence + Share>(registers: R) -> Dma1Channels<R> {
        /// # Safety
        ///
        /// - No other value has the channel.
        unsafe fn take<R: RegistersOf<Dma1> + Share, const N: u8>(registers: &R) -> Channel<R, Dma1, N> {
            // SAFETY:
            // - They are DMA1's (`RegistersOf`), and no other value has the channel's (the caller's debt).
            unsafe { Channel::take(registers) }
        }
        // SAFETY:
        // - Nobody else uses the controller (`RegistersOf`), `registers` ends here, and each number is taken once.
        let c1 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c2 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c3 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c4 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c5 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c6 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c7 = unsafe { take(&registers) };
        Dma1Channels { c1, c2, c3, c4, c5, c6, c7 }
    }
}

impl Dma2 {
    /// Takes the controller apart: as [`Dma1::split`].
    pub fn split<R: RegistersOf<Self> + DmaFence + Share>(registers: R) -> Dma2Channels<R> {
        /// # Safety
        ///
        /// - No other value has the channel.
        unsafe fn take<R: RegistersOf<Dma2> + Share, const N: u8>(registers: &R) -> Channel<R, Dma2, N> {
            // SAFETY:
            // - They are DMA2's (`RegistersOf`), and no other value has the channel's (the caller's debt).
            unsafe { Channel::take(registers) }
        }
        // SAFETY:
        // - Nobody else uses the controller (`RegistersOf`), `registers` ends here, and each number is taken once.
        let c1 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c2 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c3 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c4 = unsafe { take(&registers) };
        // SAFETY:
        // - As above.
        let c5 = unsafe { take(&registers) };
        Dma2Channels { c1, c2, c3, c4, c5 }
    }
}

/// On a core without the atomics that a waker in a `static` needs, an end is asked for again and again.
#[cfg(not(target_has_atomic = "ptr"))]
#[derive(Debug, Default)]
struct Listener;

#[cfg(not(target_has_atomic = "ptr"))]
impl Listener {
    const fn bits(&self) -> u32 {
        0
    }

    fn register(&self, waker: &core::task::Waker) {
        waker.wake_by_ref();
    }
}
