//! The one EasyDMA engine, as a token: who has it may start a transfer.
//!
//! All endpoints share the engine, and a second START while a transfer runs is lost, or worse (nRF52840 PS: no task may
//! be triggered before the END of the transfer that runs). So the right to start is a value, [`Engine`], which cannot
//! be copied:
//!
//! | who has it | what can be done |
//! |---|---|
//! | you, as [`Engine`] | start a transfer; touch the registers that are out of reach while one runs |
//! | a [`Transfer`](super::Transfer) | ask whether it has ended, and then get the engine back |
//!
//! Two transfers at once cannot be written down. An endpoint's `write` and `read` go through a buffer of the engine's
//! own (a *bounce buffer*) and wait for END, a few microseconds; `send` and `receive` take a buffer of yours, and the
//! engine along with it.
//!
//! ```no_run
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn one_after_the_other(engine: Engine<ChipBus<InOrder>>, epin: &mut [EpIn; 7], bytes: &'static mut [u8]) {
//!     let transfer = epin[0].send(engine, bytes).unwrap();
//!     let (engine, bytes) = transfer.wait();
//!     let second = epin[1].send(engine, bytes).unwrap();
//! }
//! ```
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn both_at_once(engine: Engine<ChipBus<InOrder>>, epin: &mut [EpIn; 7], bytes: [&'static mut [u8]; 2]) {
//!     let [first, second] = bytes;
//!     let transfer = epin[0].send(engine, first).unwrap();
//!     let second = epin[1].send(engine, second).unwrap(); // the engine is in the first transfer
//! }
//! ```
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn touched_in_flight(engine: Engine<ChipBus<InOrder>>, epin: &mut [EpIn; 7], bytes: &'static mut [u8]) {
//!     let transfer = epin[0].send(engine, bytes).unwrap();
//!     bytes[0] = 1; // the buffer is in the transfer
//! }
//! ```
//!
//! # Erratum 199
//!
//! An nRF52840 can lose tasks while a transfer runs, unless DMALATCH holds 0x82 (nrfx 4.2.1
//! `nrf52_errata_199`). Set before START and cleared after END, for each transfer.

use core::ptr::NonNull;

use super::{Control, EpIn, EpOut, IsoIn, IsoOut, PacketBuffer, Usbd, map};
use crate::address::{BusAddress, Direction, Region};
use crate::fence::DmaFence;
use crate::registers::Registers;

/// The idle EasyDMA engine, and the register block with it.
///
/// See the [module](self) for an example.
///
/// # Invariants
///
/// - No transfer runs, but within a call of `run`, and while a `Transfer` has the engine.
/// - `buffer` came from a `&'static mut PacketBuffer` that nobody else has. The CPU accesses it while no transfer that
///   was given it runs.
#[derive(Debug)]
pub struct Engine<B> {
    pub(super) usbd: Usbd<B>,
    buffer: NonNull<PacketBuffer>,
    /// The frame in which the last packet was given to the isochronous IN endpoint, or a later one.
    pub(super) filled: Option<u16>,
}

// SAFETY:
// - The buffer is reached through this value only (second invariant), so it goes where the value goes.
// - The bus goes along: `B: Send`.
unsafe impl<B: Send> Send for Engine<B> {}

/// The endpoints of a controller, one value each.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Endpoints, Engine, PacketBuffer, Usbd};
/// fn split(usbd: Usbd<ChipBus<InOrder>>, buffer: &'static mut PacketBuffer) {
///     let (mut engine, mut endpoints) = Engine::new(usbd, buffer);
///     let Endpoints { control, epin: [epin1, ..], epout: [epout1, ..], .. } = &mut endpoints;
///     epin1.open(&mut engine);
///     epout1.open(&mut engine);
///     let event = control.next_event(&mut engine);
/// }
/// ```
#[derive(Debug)]
pub struct Endpoints {
    /// Endpoint 0.
    pub control: Control,
    /// IN endpoints 1 to 7.
    pub epin: [EpIn; 7],
    /// OUT endpoints 1 to 7.
    pub epout: [EpOut; 7],
    /// Endpoint 8, IN.
    pub isoin: IsoIn,
    /// Endpoint 8, OUT.
    pub isoout: IsoOut,
}

/// One endpoint and direction: its registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    ptr: u16,
    maxcnt: u16,
    start: u16,
    /// The END event.
    pub end: u16,
    direction: Direction,
}

impl Port {
    /// The isochronous IN endpoint.
    pub const ISOIN: Self = Self {
        ptr: map::isoin_ptr(),
        maxcnt: map::isoin_maxcnt(),
        start: map::tasks_startisoin(),
        end: map::events_endisoin(),
        direction: Direction::MemoryToDevice,
    };

    /// The isochronous OUT endpoint.
    pub const ISOOUT: Self = Self {
        ptr: map::isoout_ptr(),
        maxcnt: map::isoout_maxcnt(),
        start: map::tasks_startisoout(),
        end: map::events_endisoout(),
        direction: Direction::DeviceToMemory,
    };

    /// IN endpoint `n`, 0 to 7.
    pub const fn epin(n: u8) -> Self {
        let n = n as u16;
        Self {
            ptr: map::epin_ptr(n),
            maxcnt: map::epin_maxcnt(n),
            start: map::tasks_startepin(n),
            end: map::events_endepin(n),
            direction: Direction::MemoryToDevice,
        }
    }

    /// OUT endpoint `n`, 0 to 7.
    pub const fn epout(n: u8) -> Self {
        let n = n as u16;
        Self {
            ptr: map::epout_ptr(n),
            maxcnt: map::epout_maxcnt(n),
            start: map::tasks_startepout(n),
            end: map::events_endepout(n),
            direction: Direction::DeviceToMemory,
        }
    }

    /// Which way this port moves bytes.
    pub const fn direction(self) -> Direction {
        self.direction
    }

    /// The region of this port's direction.
    pub const fn region(self, pointer: *mut u8, length: usize) -> Region {
        Region { pointer, length, direction: self.direction }
    }
}

/// EasyDMA cannot reach this address: it reaches RAM only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotInRam(pub BusAddress);

impl<B: Registers + DmaFence> Engine<B> {
    /// The engine of `usbd`, with a bounce buffer, and the endpoints that use it.
    ///
    /// `usbd` is powered up: the endpoints are as they are out of power-up. Power it down by
    /// [`into_parts`](Self::into_parts).
    pub fn new(usbd: Usbd<B>, buffer: &'static mut PacketBuffer) -> (Self, Endpoints) {
        // One that a bootloader has left would trigger its task while a transfer runs.
        usbd.write(map::shorts(), 0);
        // INVARIANT: no transfer runs: `usbd` was not an engine's. The buffer is `'static` and exclusive.
        let engine = Self { usbd, buffer: NonNull::from(buffer), filled: None };
        // Written out: by `map`, which opt-level z leaves a loop, the compiler loses sight of an endpoint's number, and
        // its registers' addresses are computed when the program runs.
        let endpoints = Endpoints {
            control: Control::new(),
            epin: [EpIn::new(1), EpIn::new(2), EpIn::new(3), EpIn::new(4), EpIn::new(5), EpIn::new(6), EpIn::new(7)],
            epout: [
                EpOut::new(1),
                EpOut::new(2),
                EpOut::new(3),
                EpOut::new(4),
                EpOut::new(5),
                EpOut::new(6),
                EpOut::new(7),
            ],
            isoin: IsoIn::new(),
            isoout: IsoOut::new(),
        };
        (engine, endpoints)
    }

    /// What the engine was made from, endpoints included.
    pub fn into_parts(self, endpoints: Endpoints) -> (Usbd<B>, &'static mut PacketBuffer) {
        // What they know of the hardware is lost with them.
        let Endpoints { .. } = endpoints;
        let mut buffer = self.buffer;
        // SAFETY:
        // - The pointer came from a `&'static mut` that nobody else has (second invariant), and `self` ends here.
        // - The DMA does not use it: no transfer runs (first invariant).
        let buffer = unsafe { buffer.as_mut() };
        (self.usbd, buffer)
    }

    /// The register block. All of it is in reach: no transfer runs.
    pub fn usbd(&mut self) -> &mut Usbd<B> {
        &mut self.usbd
    }

    /// The bytes of the bounce buffer, for the CPU.
    fn bounce(&mut self) -> &mut [u8; map::PACKET_SIZE] {
        // SAFETY:
        // - The pointer is valid and exclusive (second invariant); the borrow of `self` guards the reference.
        // - The DMA does not use it: no transfer runs (first invariant), and none starts while `self` is borrowed.
        unsafe { &mut self.buffer.as_mut().0 }
    }

    /// Sends `bytes`, a packet at most, by way of the bounce buffer. Returns at END.
    ///
    /// # Panics
    ///
    /// If there are more than 64 bytes.
    pub(super) fn send_copy(&mut self, port: Port, bytes: &[u8]) -> Result<(), NotInRam> {
        self.bounce()[..bytes.len()].copy_from_slice(bytes);
        self.run(port, bytes.len())
    }

    /// Receives a packet of `length` bytes by way of the bounce buffer. Returns at END.
    ///
    /// # Panics
    ///
    /// If `length` is more than 64.
    pub(super) fn receive_copy(&mut self, port: Port, length: usize) -> Result<&[u8], NotInRam> {
        self.run(port, length)?;
        Ok(&self.bounce()[..length])
    }

    /// Does a transfer of the first `length` bytes of the bounce buffer, from START to END.
    fn run(&mut self, port: Port, length: usize) -> Result<(), NotInRam> {
        assert!(length <= map::PACKET_SIZE, "the caller has checked the length");
        let region = port.region(self.buffer.as_ptr().cast(), length);
        // SAFETY:
        // - The region is valid: it lies in the buffer, which is `'static`.
        // - The CPU leaves it alone until `ended` has returned true: nobody else has it, and this waits for that.
        unsafe { self.start(port, region) }?;
        // SAFETY:
        // - The transfer was started above, with this port and region.
        while !unsafe { self.ended(port, region) } {}
        Ok(())
    }

    /// Gives `region` to the DMA, and starts.
    ///
    /// # Safety
    ///
    /// - The region is valid for what the DMA does to it, and nobody conflicts with that, until `ended` has returned
    ///   true for this port and region.
    pub(super) unsafe fn start(&self, port: Port, region: Region) -> Result<(), NotInRam> {
        let Ok(maxcnt) = u32::try_from(region.length) else { unreachable!("a packet's length was checked") };
        // ORDERING: pairs with `acquire` in `ended`; orders the CPU's accesses before the START below.
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.usbd.bus.release(region) };
        if !address.is_in_ram(region.length) {
            // SAFETY:
            // - It was released just now, and no transfer was started.
            unsafe { self.usbd.bus.acquire(region) };
            return Err(NotInRam(address));
        }
        self.usbd.write(port.ptr, address.get());
        self.usbd.write(port.maxcnt, maxcnt);
        // An event that somebody else has left would pass for this transfer's.
        self.usbd.write(port.end, 0);
        self.usbd.write(map::dmalatch(), map::DMALATCH_RUNNING);
        // SAFETY:
        // - The memory of the transfer, PTR and MAXCNT, is `region`: released above, and `acquire`d only after the END
        //   event was read as 1, in `ended`.
        unsafe { self.usbd.bus.write(port.start, 1) };
        Ok(())
    }

    /// Whether the transfer has ended. If so, the region is the CPU's again.
    ///
    /// # Safety
    ///
    /// - `start` was called with this port and region, and this has not returned true since.
    pub(super) unsafe fn ended(&self, port: Port, region: Region) -> bool {
        if !self.usbd.event(port.end) {
            return false;
        }
        // ORDERING: pairs with `release` in `start`; orders the CPU's accesses after the read above.
        // SAFETY:
        // - `release` was called with this region, in `start`, and the DMA has ended: the event was cleared before
        //   START and read as 1 just now.
        unsafe { self.usbd.bus.acquire(region) };
        self.usbd.write(port.end, 0);
        self.usbd.write(map::dmalatch(), 0);
        true
    }
}
