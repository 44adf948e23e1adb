//! Endpoint 0 IN: one packet of a control read's data stage, sent by DMA.
//!
//! `start` copies the bytes into a `'static` buffer of its own (a *bounce buffer*) and lends that to the DMA. So the
//! caller's bytes may lie on the stack or in flash (which EasyDMA cannot read), may change or die right after the
//! call, and nobody can get hold of memory that the DMA still reads: not by `drop`, not by `mem::forget`.
//!
//! # States
//!
//! | state | the buffer belongs to | `start`, `accept`, `stall`, `into_parts` | `end` | `abort` |
//! |---|---|---|---|---|
//! | *idle* | the CPU | go ahead | `NotStarted` | nothing |
//! | *sending* | the DMA | busy | -> *idle* once the host has the packet, else `NotDone` | -> *aborted* |
//! | *aborted* | the DMA | busy until the DMA has ended, then as *idle* | `NotStarted` | nothing |
//!
//! *Sending*: the DMA reads the buffer, or the packet waits for the host. *Aborted*: the host has given up; EasyDMA
//! has no stop, so the buffer stays lent until ENDEPIN\[0\]. A `start` that goes ahead leads to *sending*.
//!
//! A bus reset or a new SETUP means that the host has given up: EP0DATADONE will not come. [`Ep0In::next_event`]
//! notices both and aborts, so that `busy` is never stuck. If you handle the events yourself, call [`Ep0In::abort`].
//!
//! # Limits
//!
//! - A SETUP that arrives between `next_event` and the start of the answer to the one before can be given that answer:
//!   the hardware disarms at the SETUP, and START arms again. `next_event` disarms when it sees the SETUP, and stalls
//!   the status stage if the host was faster. A host that has ended the status stage as well has the old answer; the
//!   hardware offers no way to close that window. `end` alone does not look: a packet taken is a packet sent.
//! - Some drivers assume that a bus reset ends a running transfer without ENDEPIN\[0\] (the datasheet is silent). On
//!   such silicon an aborted transfer stays `Busy` for good: reset the chip.

use core::ptr::NonNull;

use super::{PacketBuffer, Usbd, map};
use crate::address::{Direction, Region};
use crate::fence::DmaFence;
use crate::registers::Registers;

mod control;
mod error;

pub use control::Event;
pub use error::{AnswerError, EndError, StartError};

/// # Invariants
///
/// - In `Sending` and `Aborted`, `release` was called with the region of this length, and `acquire` has not been.
/// - In `Idle` no transfer of endpoint 0 IN runs.
#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// `overtaken`: a SETUP has come before the host has fetched the packet. It may fetch it as the answer to that.
    Sending {
        length: usize,
        overtaken: bool,
    },
    /// `stale`: the host may have fetched the packet as the answer to the SETUP that is pending.
    Aborted {
        length: usize,
        stale: bool,
    },
}

/// Endpoint 0 IN: sends a packet of a control read by DMA.
///
/// Owns the register block, so that nobody starts a second transfer on the one engine that all endpoints share.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, EndError, Ep0In, StartError};
/// /// Sends a packet, and waits until the host has it or has given up.
/// fn send(ep0in: &mut Ep0In<ChipBus<InOrder>>, bytes: &[u8]) -> Result<(), StartError> {
///     ep0in.start(bytes)?;
///     while ep0in.end() == Err(EndError::NotDone) {}
///     Ok(())
/// }
/// ```
/// The [crate](crate#use) has the whole loop.
///
/// # Invariants
///
/// - `buffer` came from a `&'static mut PacketBuffer` that nobody else has. It is kept as a raw pointer: a `&mut` that
///   is moved while the DMA uses its target is an aliasing violation.
/// - The CPU accesses it only in `State::Idle`.
#[derive(Debug)]
pub struct Ep0In<B> {
    usbd: Usbd<B>,
    buffer: NonNull<PacketBuffer>,
    state: State,
}

// SAFETY:
// - The buffer is reached through this value only (first invariant), so it goes where the value goes.
// - The bus goes along: `B: Send`.
unsafe impl<B: Send> Send for Ep0In<B> {}

impl<B: Registers + DmaFence> Ep0In<B> {
    /// The endpoint of `usbd`, which sends from `buffer`.
    pub fn new(usbd: Usbd<B>, buffer: &'static mut PacketBuffer) -> Self {
        // INVARIANT: `buffer` is `'static` and exclusive, and no transfer runs: `usbd` was not an endpoint's.
        Self { usbd, buffer: NonNull::from(buffer), state: State::Idle }
    }

    /// Gives back what the endpoint was made from, or the endpoint itself while the buffer is lent to the DMA.
    pub fn into_parts(mut self) -> Result<(Usbd<B>, &'static mut PacketBuffer), Self> {
        if !self.take_back() {
            return Err(self);
        }
        // SAFETY:
        // - The pointer came from a `&'static mut` that nobody else has (first invariant), and `self` ends here.
        // - The DMA does not use it: the state is `Idle`, which `take_back` said.
        let buffer = unsafe { self.buffer.as_mut() };
        Ok((self.usbd, buffer))
    }

    /// The register block: the interrupt masks, which are in reach while a transfer runs.
    pub fn usbd(&self) -> &Usbd<B> {
        &self.usbd
    }

    /// Whether a `start` would be refused as `Busy`.
    pub fn busy(&self) -> bool {
        match self.state {
            State::Idle => false,
            State::Sending { .. } => true,
            State::Aborted { .. } => !self.usbd.event(map::events_endepin(0)),
        }
    }

    /// Sends 1 to 64 bytes as one packet, and lets the status stage follow it.
    ///
    /// The bytes are copied before this returns; they may lie anywhere, flash included. The status stage is
    /// permitted by hardware when the host has the packet (SHORT EP0DATADONE_EP0STATUS).
    ///
    /// # Errors
    ///
    /// See [`StartError`]. Nothing was touched then.
    pub fn start(&mut self, bytes: &[u8]) -> Result<(), StartError> {
        if bytes.is_empty() {
            return Err(StartError::Empty);
        }
        self.send(bytes)
    }

    /// Sends a packet of 0 bytes: "no more data", where the host asked for more than there is.
    ///
    /// # Errors
    ///
    /// [`StartError::Busy`].
    pub fn start_zero_length(&mut self) -> Result<(), StartError> {
        self.send(&[])
    }

    #[inline]
    fn send(&mut self, bytes: &[u8]) -> Result<(), StartError> {
        let maxcnt = match u32::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= map::PACKET_SIZE => length,
            _ => return Err(StartError::TooLong { length: bytes.len() }),
        };
        if !self.take_back() {
            return Err(StartError::Busy);
        }
        let region = self.region(bytes.len());
        // SAFETY:
        // - `bytes` is valid for reads of its length, the buffer for writes of 64 bytes, and the length is at most 64.
        // - They do not overlap: nobody but `self` has the buffer (first invariant).
        // - The DMA does not use the buffer: the state is `Idle`, which `take_back` said.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), region.pointer, region.length) };

        // ORDERING: pairs with `acquire` in `take_back_from`; orders the copy above before TASKS_STARTEPIN[0].
        // SAFETY:
        // - The region stays valid: the buffer is `'static`.
        // - The CPU leaves it alone until `acquire`: it is touched in `State::Idle` only (second invariant).
        let address = unsafe { self.usbd.bus.release(region) };
        // INVARIANT: `release` was called with this region just now.
        self.state = State::Sending { length: region.length, overtaken: false };

        self.usbd.write(map::epin_ptr(0), address.get());
        self.usbd.write(map::epin_maxcnt(0), maxcnt);
        // Events of an aborted transfer would pass for this one's.
        self.usbd.write(map::events_endepin(0), 0);
        self.usbd.write(map::events_ep0datadone(), 0);
        self.usbd.write(map::shorts(), map::shorts::EP0DATADONE_EP0STATUS.mask());
        // Erratum 199: without it, tasks can be lost while the transfer runs.
        self.usbd.write(map::dmalatch(), map::DMALATCH_RUNNING);
        // SAFETY:
        // - The memory of the transfer, EPIN[0].PTR and MAXCNT, is `region`: released above, and `acquire`d only
        //   after ENDEPIN[0] was read as 1, in `take_back_from`.
        unsafe { self.usbd.bus.write(map::tasks_startepin(0), map::tasks_startepin::TASK.mask()) };
        // A SETUP that is still to come disarms the packet. One that is here may have come before the start; if the
        // packet is not taken yet, it never is for the request that it is the answer to.
        let overtaken = self.usbd.event(map::events_ep0setup()) && !self.usbd.event(map::events_ep0datadone());
        // INVARIANT: as above, with the same length.
        self.state = State::Sending { length: region.length, overtaken };
        Ok(())
    }

    /// Ends the transfer, if the host has taken the packet.
    ///
    /// # Errors
    ///
    /// [`EndError::NotDone`] until the host has the packet: call it again. [`EndError::NotStarted`] without a
    /// transfer.
    pub fn end(&mut self) -> Result<(), EndError> {
        let State::Sending { length, .. } = self.state else {
            return Err(EndError::NotStarted);
        };
        // ENDEPIN[0] is what frees the buffer. EP0DATADONE implies it on a sane chip; believing one flag about the
        // other is how a lying flag becomes a race.
        if !self.usbd.event(map::events_ep0datadone()) || !self.take_back_from(self.region(length)) {
            return Err(EndError::NotDone);
        }
        self.usbd.write(map::events_ep0datadone(), 0);
        self.usbd.write(map::shorts(), 0);
        Ok(())
    }

    /// Gives a packet on its way up: the host has reset the bus or begun another control transfer.
    ///
    /// Never blocks. EasyDMA cannot be stopped: the endpoint stays `busy` until the DMA has read the buffer, a few
    /// microseconds.
    pub fn abort(&mut self) {
        if let State::Sending { length, .. } = self.state {
            // A late EP0DATADONE must not permit the status stage of a transfer that it does not belong to.
            self.usbd.write(map::shorts(), 0);
            // INVARIANT: the length is that of `Sending`.
            self.state = State::Aborted { length, stale: false };
        }
    }

    /// The first `length` bytes of the buffer, as they are lent.
    #[inline]
    fn region(&self, length: usize) -> Region {
        Region { pointer: self.buffer.as_ptr().cast(), length, direction: Direction::MemoryToDevice }
    }

    /// Makes the buffer the CPU's, if it is or if an aborted transfer has ended. Returns whether it is.
    #[inline]
    fn take_back(&mut self) -> bool {
        match self.state {
            State::Idle => true,
            State::Sending { .. } => false,
            State::Aborted { length, .. } => {
                let ended = self.take_back_from(self.region(length));
                if ended {
                    // A SETUP and a reset can leave a packet there: the next start would overwrite it under the
                    // host's eyes.
                    self.usbd.disarm(map::CORE_EP0CS, map::CORE_EP0CS_INBSY);
                }
                ended
            }
        }
    }

    /// Makes the buffer the CPU's, if the DMA has ended. Returns whether it has.
    #[inline]
    fn take_back_from(&mut self, region: Region) -> bool {
        if !self.usbd.event(map::events_endepin(0)) {
            return false;
        }
        // ORDERING: pairs with `release` in `send`; orders the next copy into the buffer after the read above.
        // SAFETY:
        // - `release` was called with this region (invariant of `State`), and the DMA has ended: EVENTS_ENDEPIN[0]
        //   was cleared before the start and read as 1 just now.
        unsafe { self.usbd.bus.acquire(region) };
        self.usbd.write(map::events_endepin(0), 0);
        self.usbd.write(map::dmalatch(), 0);
        // INVARIANT: no transfer runs; the one of this region has ended.
        self.state = State::Idle;
        true
    }
}
