//! The twin: what a careful programmer writes without the crate.
//!
//! The same checks as in `Sender` and `Receiver`, the same register accesses in the same order, the same fences, the
//! same answers (the test compares the accesses of every path). Half, buffer and errors go by value, as there. What
//! differs:
//!
//! - `Transfer` keeps the region that it has lent, because `acquire` is given it, and a buffer need not be a slice that
//!   can be asked again. The twin knows that this chip has no cache, and asks its slice.
//! - The twin is unsafe to call, and nothing happens when its transfer is dropped: what `Transfer` sees to is the
//!   caller's promise here.

#![expect(clippy::disallowed_methods, reason = "code by hand fences by hand")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "the sequence is what is measured: one block, as by hand")]

use core::cell::Cell;
use core::mem;
use core::sync::atomic::{Ordering, compiler_fence};

use super::registers::{
    ALL_BUT_TC, FE, FLASH, IFCR, ISR, NE, ORE, PE, PL, RAM, RECEIVE1, RECEIVE2, Registers, TCIE_TEIE, TRANSMIT1,
    TRANSMIT2,
};
use super::{Bytes, Room};

/// Priority and interrupts of a channel.
pub struct Channel {
    priority: Priority,
    waker: Option<&'static Cell<u32>>,
}

/// Which channel goes first.
#[derive(Clone, Copy)]
pub enum Priority {
    /// The last.
    Low,
    /// Before low.
    Medium,
    /// Before medium.
    High,
    /// The first.
    VeryHigh,
}

/// The transmitting half with its channel.
pub struct Sender {
    sent: Sent,
    channel: Channel,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Left,
    Leaving,
    Untold,
}

/// The receiving half with its channel.
pub struct Receiver {
    noted: u32,
    channel: Channel,
}

/// A half and its buffer, while the DMA has it.
pub struct Transfer<C, B> {
    half: C,
    buffer: B,
}

/// A half and its buffer, and why the DMA did not have it, or not to the end.
pub struct Failed<K, C, B> {
    /// Why.
    pub kind: K,
    /// The half.
    pub half: C,
    /// The buffer.
    pub buffer: B,
}

/// Why a channel does not start.
pub enum StartError {
    /// There is nothing in the buffer.
    Empty,
    /// More than CNDTR counts.
    TooLong(usize),
    /// Out of the DMA's reach.
    OutOfReach(u32),
}

/// What is wrong on the line.
pub enum LineError {
    /// ORE.
    Overrun,
    /// FE.
    Framing,
    /// NE.
    Noise,
    /// PE.
    Parity,
}

/// Why a receiver does not start.
pub enum ReceiveStartError {
    /// The channel's reason.
    Start(StartError),
    /// The line's.
    Line(LineError),
}

/// What goes wrong while a buffer is filled.
pub enum ReceiveError {
    /// An access has failed after so many items.
    Transfer(usize),
    /// The line's.
    Line(LineError),
}

/// Why there is no transfer.
type Refused<K, C, B> = Result<Transfer<C, B>, Failed<K, C, B>>;
/// How a transfer has ended.
type Ended<K, C, B> = Result<(B, C), Failed<K, C, B>>;

impl Sender {
    /// A sender that has sent nothing.
    pub const fn new(channel: Channel) -> Self {
        Self { sent: Sent::Left, channel }
    }
}

impl Receiver {
    /// A receiver that has seen no error.
    pub const fn new(channel: Channel) -> Self {
        Self { noted: 0, channel }
    }

    /// What went wrong on the line so far. The flags are cleared.
    ///
    /// # Safety
    ///
    /// - This runs on an STM32F103, and nobody else reads the USART meanwhile.
    #[inline(always)]
    unsafe fn line(&mut self, registers: &Registers) -> Option<LineError> {
        // SAFETY:
        // - The addresses are registers that nobody else reads: the caller's promise.
        unsafe {
            let status = registers.sr.read_volatile();
            self.noted |= status & (ORE | FE | NE | PE);
            if status & (ORE | FE | NE | PE) != 0 {
                registers.dr.read_volatile();
            }
        }
        match mem::take(&mut self.noted) {
            noted if noted & ORE != 0 => Some(LineError::Overrun),
            noted if noted & FE != 0 => Some(LineError::Framing),
            noted if noted & NE != 0 => Some(LineError::Noise),
            noted if noted & PE != 0 => Some(LineError::Parity),
            _ => None,
        }
    }
}

impl Channel {
    /// A channel of this priority, without interrupts.
    pub const fn new(priority: Priority) -> Self {
        Self { priority, waker: None }
    }

    /// The same, with interrupts.
    pub const fn with_interrupts(self, waker: &'static Cell<u32>) -> Self {
        Self { waker: Some(waker), ..self }
    }

    /// Gives the bytes to the DMA and starts.
    ///
    /// # Safety
    ///
    /// - This runs on an STM32F103, and nobody else accesses DMA1 and the USARTs meanwhile.
    /// - The bytes are valid for the DMA, and nobody else accesses them until the end.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "addresses and lengths have 32 bits on this chip")]
    unsafe fn start(&self, registers: &Registers, pointer: *const u8, length: usize) -> Result<(), StartError> {
        if length == 0 {
            return Err(StartError::Empty);
        }
        if length > 0xFFFF {
            return Err(StartError::TooLong(length));
        }
        // SAFETY:
        // - The addresses are registers that nobody else accesses: the caller's first promise.
        // - The DMA has the bytes to itself: the second.
        unsafe {
            IFCR.write_volatile(registers.gif);
            let address = pointer.expose_provenance();
            // ORDERING: pairs with the acquire in `wait`; orders the caller's accesses before EN=1.
            compiler_fence(Ordering::Release);
            let lies_in = |(from, to)| length <= to - from && address.wrapping_sub(from) <= to - from - length;
            if !(registers.sends && lies_in(FLASH) || lies_in(RAM)) {
                // ORDERING: pairs with the release above; the buffer is the CPU's again.
                compiler_fence(Ordering::Acquire);
                return Err(StartError::OutOfReach(address as u32));
            }
            registers.cpar.write_volatile(registers.dr_address);
            registers.cmar.write_volatile(address as u32);
            registers.cndtr.write_volatile(length as u32);
            if registers.sends {
                registers.sr.write_volatile(ALL_BUT_TC);
                // The write has taken effect when a read of the same peripheral returns.
                registers.brr.read_volatile();
            }
            let interrupts = self.waker.map_or(0, |_| TCIE_TEIE);
            registers.ccr.write_volatile((self.priority as u32) << PL | interrupts | registers.mode());
        }
        Ok(())
    }
}

/// Waits for the end of a transfer of `length` bytes; or how many were moved before an error.
///
/// # Safety
///
/// - This runs on an STM32F103, and nobody else accesses DMA1 meanwhile.
/// - A transfer runs.
#[inline(always)]
unsafe fn wait(registers: &Registers, length: usize) -> Result<(), usize> {
    // SAFETY:
    // - The addresses are registers that nobody else accesses: the caller's first promise.
    unsafe {
        let flags = loop {
            let flags = ISR.read_volatile();
            if flags & (registers.tcif | registers.teif) != 0 {
                break flags;
            }
        };
        // ORDERING: pairs with the release in `start`; orders the caller's accesses after the read above.
        compiler_fence(Ordering::Acquire);
        let left = registers.cndtr.read_volatile();
        registers.ccr.write_volatile(0);
        IFCR.write_volatile(registers.gif);
        if flags & registers.teif == 0 { Ok(()) } else { Err(length.saturating_sub(left as usize)) }
    }
}

/// # Safety
///
/// - As for `Channel::start`.
#[inline(always)]
unsafe fn start_sending(registers: &Registers, sender: Sender, bytes: Bytes) -> Refused<StartError, Sender, Bytes> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    match unsafe { sender.channel.start(registers, bytes.as_ptr(), bytes.len()) } {
        Ok(()) => Ok(Transfer { half: sender, buffer: bytes }),
        Err(kind) => Err(Failed { kind, half: sender, buffer: bytes }),
    }
}

/// # Safety
///
/// - As for `wait`.
#[inline(always)]
unsafe fn wait_until_sent(registers: &Registers, transfer: Transfer<Sender, Bytes>) -> Ended<usize, Sender, Bytes> {
    let Transfer { half: mut sender, buffer } = transfer;
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    let outcome = unsafe { wait(registers, buffer.len()) };
    sender.sent = match sender.sent {
        _ if outcome.map_or_else(|moved| moved > 0, |()| true) => Sent::Leaving,
        Sent::Left => Sent::Left,
        Sent::Leaving | Sent::Untold => Sent::Untold,
    };
    match outcome {
        Ok(()) => Ok((buffer, sender)),
        Err(kind) => Err(Failed { kind, half: sender, buffer }),
    }
}

/// # Safety
///
/// - As for `Channel::start`.
#[inline(always)]
unsafe fn start_receiving(
    registers: &Registers,
    mut receiver: Receiver,
    room: Room,
) -> Refused<ReceiveStartError, Receiver, Room> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    if let Some(error) = unsafe { receiver.line(registers) } {
        return Err(Failed { kind: ReceiveStartError::Line(error), half: receiver, buffer: room });
    }
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    match unsafe { receiver.channel.start(registers, room.as_mut_ptr(), room.len()) } {
        Ok(()) => Ok(Transfer { half: receiver, buffer: room }),
        Err(kind) => Err(Failed { kind: ReceiveStartError::Start(kind), half: receiver, buffer: room }),
    }
}

/// # Safety
///
/// - As for `wait`.
#[inline(always)]
unsafe fn wait_until_received(
    registers: &Registers,
    transfer: Transfer<Receiver, Room>,
) -> Ended<ReceiveError, Receiver, Room> {
    let Transfer { half: mut receiver, buffer } = transfer;
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    if let Err(moved) = unsafe { wait(registers, buffer.len()) } {
        return Err(Failed { kind: ReceiveError::Transfer(moved), half: receiver, buffer });
    }
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    match unsafe { receiver.line(registers) } {
        Some(error) => Err(Failed { kind: ReceiveError::Line(error), half: receiver, buffer }),
        None => Ok((buffer, receiver)),
    }
}

/// `Sender::write_all` by hand.
///
/// # Safety
///
/// - As for `Channel::start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_sender_start(sender: Sender, bytes: Bytes) -> Refused<StartError, Sender, Bytes> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { start_sending(&TRANSMIT1, sender, bytes) }
}

/// `Transfer::is_done` by hand.
///
/// # Safety
///
/// - This runs on an STM32F103.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_sender_is_done(_: &Transfer<Sender, Bytes>) -> bool {
    // SAFETY:
    // - It is a register: the caller's promise.
    unsafe { ISR.read_volatile() & (TRANSMIT1.tcif | TRANSMIT1.teif) != 0 }
}

/// `Transfer::wait` by hand.
///
/// # Safety
///
/// - As for `wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_sender_wait(transfer: Transfer<Sender, Bytes>) -> Ended<usize, Sender, Bytes> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { wait_until_sent(&TRANSMIT1, transfer) }
}

/// `Sender::write_all` and `Transfer::wait` by hand.
///
/// # Safety
///
/// - As for `Channel::start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_sender_send(sender: Sender, bytes: Bytes) -> Result<Sender, Sender> {
    // SAFETY:
    // - The caller's debt, passed on unchanged; the transfer was started just now.
    unsafe {
        let transfer = start_sending(&TRANSMIT2, sender, bytes).map_err(|refused| refused.half)?;
        wait_until_sent(&TRANSMIT2, transfer).map(|(_, sender)| sender).map_err(|failed| failed.half)
    }
}

/// `Receiver::read_exact` by hand.
///
/// # Safety
///
/// - As for `Channel::start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_receiver_start(receiver: Receiver, room: Room) -> Refused<ReceiveStartError, Receiver, Room> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { start_receiving(&RECEIVE1, receiver, room) }
}

/// `Transfer::wait` by hand.
///
/// # Safety
///
/// - As for `wait`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_receiver_wait(transfer: Transfer<Receiver, Room>) -> Ended<ReceiveError, Receiver, Room> {
    // SAFETY:
    // - The caller's debt, passed on unchanged.
    unsafe { wait_until_received(&RECEIVE1, transfer) }
}

/// `Receiver::read_exact` and `Transfer::wait` by hand.
///
/// # Safety
///
/// - As for `Channel::start`.
// SAFETY:
// - No other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe fn handwritten_receiver_receive(receiver: Receiver, room: Room) -> Result<Receiver, Receiver> {
    // SAFETY:
    // - The caller's debt, passed on unchanged; the transfer was started just now.
    unsafe {
        let transfer = start_receiving(&RECEIVE2, receiver, room).map_err(|refused| refused.half)?;
        wait_until_received(&RECEIVE2, transfer).map(|(_, receiver)| receiver).map_err(|failed| failed.half)
    }
}
