//! The part of a channel that lives in its handler, and wakes a future.
//!
//! # Who writes CCR
//!
//! The channel's line stays up until its flag is cleared or its interrupt is disabled, so the handler has to do one of
//! them. The flags it leaves alone: they are what the main program sees the end by. That leaves CCR, which the main
//! program writes, too. Neither reads a value there that it writes back changed:
//!
//! - the handler writes 0, and only if the channel asserts its line. Then the transfer is over: at TCIF there is no
//!   item left, at TEIF the hardware has cleared EN. A circular channel never asserts it: TCIE is for one lap.
//! - the main program writes whole constants: EN=1 with flags cleared before, or 0.
//!
//! A handler that comes in the middle of a `start` therefore finds no flag and does nothing; one that comes anywhere
//! else stops what is stopped.
//!
//! **Priorities.** A handler of *lower* priority than the code that starts transfers can be interrupted between its
//! look and its write; a transfer that was started meanwhile is then stopped, and waits for ever. Its memory is safe,
//! for nothing is ever started by a 0. Give the handler the same priority, or a higher one.

use core::fmt;
use core::marker::PhantomData;
use core::task::Waker;

pub use atomic_waker::AtomicWaker;

use super::Channel;
use super::map::{self, TCIF, TEIF};
use crate::registers::{Registers, Share};

/// The part of channel `N` of controller `D` that lives in its interrupt handler.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::stm32f103::dma::{AtomicWaker, Channel, ChipDma1, Dma1, Interrupt};
/// # type Registers = ChipDma1<InOrder>;
/// # fn keep(_: Interrupt<Registers, Dma1, 4>) {}
/// # fn kept() -> &'static Interrupt<Registers, Dma1, 4> { loop {} }
/// static WAKER: AtomicWaker = AtomicWaker::new();
///
/// fn listen(channel: Channel<Registers, Dma1, 4>) -> Channel<Registers, Dma1, 4> {
///     let (channel, interrupt) = channel.with_interrupt(&WAKER);
///     keep(interrupt); // where the handler finds it; then unmask DMA1_Channel4 in the NVIC
///     channel
/// }
///
/// fn dma1_channel4() {
///     kept().on_interrupt(); // the handler
/// }
/// ```
///
/// # Invariants
///
/// - It writes nothing but 0 to CCR.
pub struct Interrupt<R, D, const N: u8> {
    registers: R,
    waker: &'static AtomicWaker,
    controller: PhantomData<D>,
}

/// Who is told of a channel's end.
#[derive(Default)]
pub struct Listener(Option<&'static AtomicWaker>);

impl Listener {
    /// The interrupts, as CCR has them.
    pub(super) fn bits(&self) -> u32 {
        self.0.map_or(0, |_| map::ccr::TCIE.mask() | map::ccr::TEIE.mask())
    }

    pub(super) fn register(&self, waker: &Waker) {
        match self.0 {
            Some(cell) => cell.register(waker),
            None => waker.wake_by_ref(),
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "by interrupt" } else { "by asking" })
    }
}

impl<R: Registers + Share, D, const N: u8> Channel<R, D, N> {
    /// The channel, whose transfers interrupt from now on at their end, and the part of it for the handler.
    ///
    /// A future of a transfer (`transfer.await`) leaves its waker in `waker`, which is for this channel alone. Without
    /// the handler, or with the interrupt masked, it is never woken. Circular transfers do not interrupt.
    pub fn with_interrupt(mut self, waker: &'static AtomicWaker) -> (Self, Interrupt<R, D, N>) {
        // INVARIANT: `on_interrupt` is all that uses the registers.
        let interrupt = Interrupt { registers: self.for_interrupt(), waker, controller: PhantomData };
        self.listener = Listener(Some(waker));
        (self, interrupt)
    }
}

impl<R: Registers, D, const N: u8> Interrupt<R, D, N> {
    /// What the handler of the channel's interrupt has to do: quiets the line, and wakes who waits for the end.
    ///
    /// Does nothing if the channel does not assert its line: where channels share a handler, ask all.
    pub fn on_interrupt(&self) {
        let index = Channel::<R, D, N>::INDEX;
        let ccr = self.registers.read(map::ccr(index));
        let flags = self.registers.read(map::isr()) >> map::flags_of(index);
        let sources = [(map::ccr::TCIE, TCIF), (map::ccr::TEIE, TEIF)];
        if !sources.iter().any(|(enable, flag)| enable.is_set(ccr) && flags & flag != 0) {
            return;
        }
        // SAFETY:
        // - It starts no transfer: EN=0. The one that was there has ended: see above.
        unsafe { self.registers.write(map::ccr(index), 0) };
        self.waker.wake();
    }
}

impl<R, D, const N: u8> fmt::Debug for Interrupt<R, D, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interrupt of channel {N}")
    }
}
