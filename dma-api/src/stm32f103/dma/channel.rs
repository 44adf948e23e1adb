//! A channel: from EN=1 to the end, and how it is stopped.
//!
//! | state | EN | flags | who has the buffer |
//! |---|---|---|---|
//! | *idle* | 0 | none | the CPU |
//! | *running* | 1 | HTIF at most | the DMA |
//! | *ended*, not looked at | 1 | TCIF | the DMA, which does nothing with it |
//! | *failed*, not looked at | 0, by hardware | TEIF | likewise |
//!
//! `start` leads from *idle* to *running*, `end` from *ended* and *failed* to *idle*, `stop` from each to *idle*. A
//! channel that is *idle* has no flag set: a stale TCIF would end the next transfer before it has begun.
//!
//! **Stop.** EN=0 does not take back the item that is in flight: its source was read, its destination will be written.
//! So CCR is read back before the memory changes hands; the embedonomicon's *dummy read*, which a read-modify-write
//! does not replace, since there the read comes first.
//!
//! *Unspecified; we chose*: the manual does not say how software learns that the item has ended. That a read of one of
//! the controller's registers comes after it is what the embedonomicon and the HALs build on, and so do we.

use core::marker::PhantomData;

use super::error::{StartError, TransferError};
use super::word::Word;
use super::{Listener, map};
use crate::address::{BusAddress, Direction, Region};
use crate::fence::DmaFence;
use crate::registers::{Registers, Share};
use crate::stm32f103::{FLASH, RAM};

/// Which channel goes first when several are asked for an item. Among equals it is the one with the lowest number.
///
/// See [`Channel`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The last.
    #[default]
    Low,
    /// Before low.
    Medium,
    /// Before medium.
    High,
    /// The first.
    VeryHigh,
}

impl Priority {
    const fn bits(self) -> u32 {
        map::ccr::PL.put(match self {
            Self::Low => 0,
            Self::Medium => 1,
            Self::High => 2,
            Self::VeryHigh => 3,
        })
    }
}

/// Channel `N`, counted from 1, of the controller `D`.
///
/// It moves items for a peripheral that asks for them: give it to a driver's `with_dma`.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::stm32f103::dma::{ChipDma1, Dma1Channels, Priority};
/// # use dma_api::stm32f103::usart::{ChipUsart1, Receiver, Rx, Usart1};
/// # type Bus = ChipDma1<InOrder>;
/// /// A receiver loses a byte if the DMA is late, a sender does not.
/// fn first(channels: Dma1Channels<Bus>, rx: Rx<ChipUsart1, Usart1>) -> Receiver<ChipUsart1, Usart1, Bus> {
///     rx.with_dma(channels.c5.with_priority(Priority::VeryHigh))
/// }
/// ```
///
/// # Invariants
///
/// - *Idle*, but between a `start` that has succeeded and the `end` or `stop` that gives the memory back.
/// - No other value has the channel's registers, but for an `Interrupt`, which writes nothing but CCR=0.
#[derive(Debug)]
#[doc(alias("Channel4", "Channel5", "Dma1Channel1"))]
#[doc(alias("set_source_address", "set_destination_address", "set_transfer_length", "start_transfer"))]
pub struct Channel<R, D, const N: u8> {
    registers: R,
    priority: Priority,
    pub(super) listener: Listener,
    controller: PhantomData<D>,
}

impl<R: Registers + Share, D, const N: u8> Channel<R, D, N> {
    /// The channel, reset.
    ///
    /// # Safety
    ///
    /// - `registers` are the controller's, and no other value has this channel's.
    pub(super) unsafe fn take(registers: &R) -> Self {
        // SAFETY:
        // - They never access the same register, but for ISR and IFCR: each value keeps to its channel's CCR, CNDTR,
        //   CPAR and CMAR, which no other has (the caller's debt). ISR is only read. A write to IFCR stands for itself:
        //   bits that are 0 do nothing, and those that are 1 are the channel's own.
        let registers = unsafe { registers.share() };
        // INVARIANT: no other value has the registers; `disable` makes it idle.
        let channel =
            Self { registers, priority: Priority::default(), listener: Listener::default(), controller: PhantomData };
        channel.disable();
        channel.clear_flags(ALL);
        channel
    }

    /// Registers of the same channel, for the value that lives in its interrupt handler.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn for_interrupt(&self) -> R {
        // SAFETY:
        // - They share ISR, which is only read, and CCR, where the handler's every write stands for itself: it is 0,
        //   and so no value that was read.
        unsafe { self.registers.share() }
    }
}

impl<R, D, const N: u8> Channel<R, D, N> {
    /// The channel's place in arrays of registers.
    pub(super) const INDEX: u16 = N as u16 - 1;

    /// The channel, which goes before those of lower priority from its next transfer on.
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }
}

impl<R: Registers, D, const N: u8> Channel<R, D, N> {
    /// Writes a register of the channel, or its flags' bits in IFCR.
    fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - It starts no transfer: only EN=1 does, and `start` alone writes that, by itself.
        unsafe { self.registers.write(offset, value) }
    }

    /// EN=0, and no item in flight.
    fn disable(&self) {
        self.write(map::ccr(Self::INDEX), 0);
        // The dummy read: the item in flight, if there was one, has ended before it returns.
        self.registers.read(map::ccr(Self::INDEX));
    }

    /// Clears flags of this channel, and none of another's.
    fn clear_flags(&self, flags: u32) {
        self.write(map::ifcr(), flags << map::flags_of(Self::INDEX));
    }
}

/// All four flags: CGIF clears them.
pub(crate) const ALL: u32 = map::GIF;

/// How often a channel goes over its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Laps {
    /// Once.
    One,
    /// Again and again.
    Endless,
}

/// What a peripheral's driver asks of its channel, whichever number that has.
///
/// # Safety
///
/// An implementation promises what [`transfer::Channel`](crate::transfer::Channel) asks for: the DMA accesses the
/// region that `start` was given, in its direction, and nothing else, and no more once `start` has failed, `end` has
/// returned `Some`, or `stop` has returned; `acquire` comes before each of these returns.
pub unsafe trait Engine {
    /// Starts a transfer of `region`, in words of `W`, from or to the register at the address `peripheral`.
    ///
    /// `ready` is called when nothing can be refused any more, before EN=1.
    ///
    /// # Safety
    ///
    /// - The channel is idle.
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until this has failed, `end`
    ///   has returned `Some`, or `stop` has returned.
    /// - `peripheral` is a register that this channel's requests are for, and an access of it touches no memory.
    unsafe fn start<W: Word>(
        &mut self,
        region: Region,
        peripheral: u32,
        laps: Laps,
        ready: impl FnOnce(),
    ) -> Result<(), StartError>;

    /// This channel's flags: [`map::GIF`] to [`map::TEIF`].
    fn flags(&self) -> u32;

    /// Clears flags of this channel, and none of another's.
    fn clear(&self, flags: u32);

    /// How many items are left, of this lap.
    fn left(&self) -> usize;

    /// Ends the transfer, if the last item was moved, or one has failed.
    ///
    /// # Safety
    ///
    /// - `start` was called with this region, for one lap, and neither `end` nor `stop` has given it back since.
    unsafe fn end<W: Word>(&mut self, region: Region) -> Option<Result<(), TransferError>>;

    /// Stops the transfer. Returns how many items were moved (of this lap).
    ///
    /// # Safety
    ///
    /// - As for `end`, with any number of laps.
    unsafe fn stop<W: Word>(&mut self, region: Region) -> usize;

    /// Copies a part of the region that the channel fills: see [`DmaFence::snapshot`].
    ///
    /// # Safety
    ///
    /// - `part` lies within the region that `start` was called with, for the DMA to write, and neither `end` nor `stop`
    ///   has given back.
    /// - All of it was written.
    /// - `into` is valid for writes of as many bytes, and shares none with it.
    unsafe fn snapshot(&self, part: Region, into: *mut u8);

    /// Copies to a part of the region that the channel sends: see [`DmaFence::fill`].
    ///
    /// # Safety
    ///
    /// - `part` lies within the region that `start` was called with, for the DMA to read, and neither `end` nor `stop`
    ///   has given back. Its pointer is valid for writes, and nobody but the DMA accesses it.
    /// - `from` is valid for reads of as many bytes, and shares none with it.
    unsafe fn fill(&self, part: Region, from: *const u8);

    /// EN=0, and no item in flight: the flags are as they are, and say what was crossed by then. `stop` is still due.
    fn halt(&mut self);

    /// Has `waker` woken at the end: by the interrupt if there is a handler, else at once.
    fn register(&self, waker: &core::task::Waker);

    /// Whether the last item was moved, or one has failed.
    fn is_done(&self) -> bool {
        self.flags() & (map::TCIF | map::TEIF) != 0
    }

    /// How many of the region's items were moved (of this lap).
    fn moved<W: Word>(&self, region: Region) -> usize {
        (region.length / size_of::<W>()).saturating_sub(self.left())
    }
}

// SAFETY:
// - CMAR, CNDTR and CCR say so: see `start`.
// - It is given back after TCIF, after TEIF, or after EN=0 and a read of CCR; each time `acquire` comes before.
unsafe impl<R: Registers + DmaFence, D, const N: u8> Engine for Channel<R, D, N> {
    #[expect(clippy::inline_always, reason = "much of it is decided by what the caller knows")]
    #[inline(always)]
    unsafe fn start<W: Word>(
        &mut self,
        region: Region,
        peripheral: u32,
        laps: Laps,
        ready: impl FnOnce(),
    ) -> Result<(), StartError> {
        let items = region.length / size_of::<W>();
        let ndt = match u32::try_from(items) {
            Ok(0) => return Err(StartError::Empty),
            Ok(ndt) if items <= map::MOST_ITEMS => ndt,
            _ => return Err(StartError::TooLong { items }),
        };
        // What somebody else has left would pass for this transfer's.
        self.clear(ALL);
        // ORDERING: pairs with `acquire` in `end` and `stop`; orders the CPU's accesses before EN=1 below.
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.registers.release(region) };
        if let Err(error) = check::<W>(address, region) {
            // SAFETY:
            // - It was released just now, and no transfer was started.
            unsafe { self.registers.acquire(region) };
            return Err(error);
        }
        self.write(map::cpar(Self::INDEX), peripheral);
        self.write(map::cmar(Self::INDEX), address.get());
        self.write(map::cndtr(Self::INDEX), ndt);
        ready();
        let interrupts = if laps == Laps::One { self.listener.bits() } else { 0 };
        let ccr = mode::<W>(region.direction, laps) | self.priority.bits() | interrupts;
        // SAFETY:
        // - The memory of the transfer is `region`: so many items of `W` from CMAR on, aligned. It was released above,
        //   and is acquired once TCIF or TEIF was read, in `end`, or the channel was disabled, in `stop`. The other
        //   side is a register of a peripheral (the caller's debt).
        unsafe { self.registers.write(map::ccr(Self::INDEX), ccr | map::ccr::EN.mask()) };
        Ok(())
    }

    fn flags(&self) -> u32 {
        self.registers.read(map::isr()) >> map::flags_of(Self::INDEX) & 0xF
    }

    fn clear(&self, flags: u32) {
        self.clear_flags(flags);
    }

    fn left(&self) -> usize {
        // 16 bits: it is never too large.
        usize::try_from(self.registers.read(map::cndtr(Self::INDEX))).unwrap_or(map::MOST_ITEMS)
    }

    unsafe fn end<W: Word>(&mut self, region: Region) -> Option<Result<(), TransferError>> {
        let flags = self.flags();
        if flags & (map::TCIF | map::TEIF) == 0 {
            return None;
        }
        // ORDERING: pairs with `release` in `start`; orders the CPU's accesses after the read above.
        // SAFETY:
        // - `release` was called with this region, in `start`, and the DMA has ended: its flags were cleared before
        //   EN=1. TCIF says that the last item was moved, TEIF that the hardware has disabled the channel.
        unsafe { self.registers.acquire(region) };
        let moved = self.moved::<W>(region);
        // INVARIANT: idle: EN=0, no flag, and there is no item in flight after either.
        self.write(map::ccr(Self::INDEX), 0);
        self.clear(ALL);
        Some(if flags & map::TEIF == 0 { Ok(()) } else { Err(TransferError { moved }) })
    }

    unsafe fn stop<W: Word>(&mut self, region: Region) -> usize {
        // INVARIANT: idle: EN=0, drained, and below no flag.
        self.disable();
        // ORDERING: pairs with `release` in `start`; orders the CPU's accesses after the read in `disable`.
        // SAFETY:
        // - `release` was called with this region, in `start`, and the DMA has ended: EN=0 and CCR was read back.
        unsafe { self.registers.acquire(region) };
        let moved = self.moved::<W>(region);
        self.clear(ALL);
        moved
    }

    unsafe fn snapshot(&self, part: Region, into: *mut u8) {
        // SAFETY:
        // - The part was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.registers.snapshot(part, into) }
    }

    unsafe fn fill(&self, part: Region, from: *const u8) {
        // SAFETY:
        // - The part is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.registers.fill(part, from) }
    }

    fn halt(&mut self) {
        self.disable();
    }

    fn register(&self, waker: &core::task::Waker) {
        self.listener.register(waker);
    }
}

/// CCR but for EN, priority and interrupts: memory in words that follow each other, one register.
const fn mode<W: Word>(direction: Direction, laps: Laps) -> u32 {
    use map::ccr::{CIRC, DIR, MINC, MSIZE, PSIZE};
    let direction = match direction {
        Direction::MemoryToDevice => DIR.mask(),
        Direction::DeviceToMemory => 0,
    };
    let laps = match laps {
        Laps::One => 0,
        Laps::Endless => CIRC.mask(),
    };
    direction | laps | MINC.mask() | PSIZE.put(W::SIZE) | MSIZE.put(W::SIZE)
}

/// Whether the controller can do what it is asked at this address.
fn check<W: Word>(address: BusAddress, region: Region) -> Result<(), StartError> {
    let is_in_flash = region.direction == Direction::MemoryToDevice && address.is_within(region.length, FLASH);
    if !is_in_flash && !address.is_within(region.length, RAM) {
        return Err(StartError::OutOfReach { address });
    }
    // Alignments are powers of two: the size of `Word`'s integers.
    if address.get().trailing_zeros() < size_of::<W>().trailing_zeros() {
        return Err(StartError::Misaligned { address });
    }
    Ok(())
}
