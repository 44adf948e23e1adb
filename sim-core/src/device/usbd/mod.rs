//! The nRF52840's USB device controller, as a pure state machine.
//!
//! Sources: `nrf52840.svd` of nrfx 4.2.1 for the registers; the nRF5340 PS (same IP) and published drivers for the
//! behaviour; the EZ-USB manuals for the core underneath.
//!
//! *Modelled*: power-up and READY, pull-up, bus reset, endpoint 0 in both directions (SETUP, data and status stage,
//! STALL, NAK, toggles, EPINEN.IN0 and EPOUTEN.OUT0), SET_ADDRESS in hardware, all SHORTS, STARTED/EPSTATUS/AMOUNT, PTR
//! and MAXCNT captured at START, one EasyDMA transfer at a time, INTEN and the level interrupt line, EVENTCAUSE
//! write-1-to-clear, the windows in which registers are out of reach, taking an armed packet out of endpoint 0
//! (COREINDEX 0x7B4, as nrfx does).
//!
//! *Not modelled*, and reported as [`Rule::NotModelled`] when touched: the tasks and SIZE of endpoints 1 to 7,
//! isochronous endpoints, HALTED, DPDM, data toggles by hand, frame numbers, low power, the core's other registers
//! (COREDATA: the workaround of erratum 166).
//!
//! *Not modelled, and not reported*:
//! - PTR, MAXCNT, events and enable bits of the other endpoints hold what is written, and do nothing; EPDATASTATUS,
//!   which has bits for them only, stays 0; EVENTS_SOF and the causes of suspend never come;
//! - VBUS and HFXO: they are there; READY comes when the explorer says so;
//! - errata 171, 187, 199 and 211: their registers outside of this block do not exist here, DMALATCH holds what is
//!   written, and no task is lost without it;
//! - what drivers do not agree on: the alignment of PTR, an AMOUNT that reads 0 (TinyUSB issue #3783), an odd number of
//!   bytes moved before ENABLE=0 (nrfx `m_dma_odd`).
//!
//! *Unspecified; we chose* (the first of each is the default, [`Options`] has the rest):
//! - a second START while a transfer runs is dropped; or it replaces the first; or it corrupts the first;
//! - a transfer that a bus reset catches runs to its end; or it never ends;
//! - registers of the USB core are out of reach while a transfer runs; or only SIZE.* is;
//! - an EP0RCVOUT permission outlives its control transfer (embassy issue #768);
//! - a transfer that a new SETUP catches ends as usual, shortcuts included, but neither arms the endpoint nor touches
//!   what has arrived since: after a SETUP the endpoint answers NAK until software acts (PS, control transfers);
//! - an armed IN packet and the EP0 state survive a bus reset (EZ-USB), until the next SETUP;
//! - MAXCNT above 64 moves 64 bytes; STARTEPOUT without a packet moves what the buffer holds;
//! - STARTED is raised together with the capture, at the task write;
//! - a write to SIZE.EPOUT\[0\] drops a packet that waits and permits the next (EZ-USB OUT0BC);
//! - an OUT packet that repeats the toggle of the one before is acknowledged, permitted or not;
//! - SETUP is acknowledged with EPINEN and EPOUTEN 0;
//! - shortcuts of one event run in the order of their bits;
//! - ENABLE=0 clears the core, the events, EVENTCAUSE, EPSTATUS and DMALATCH; INTEN, SHORTS, PTR, MAXCNT and AMOUNT
//!   stay.

use dma_api::address::{BusAddress, Direction};
use dma_api::nrf52840::usbd::map::{self, Name, PACKET_SIZE};

use crate::monitor::{Misuse, Rule};

mod control;
mod registers;
mod rules;
mod transfer;

pub use control::{Answer, Packet, Token};
pub use registers::name_of;
pub use transfer::Job;

/// What a second START does while a transfer runs. The datasheet only forbids it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SecondStart {
    /// The task is lost.
    #[default]
    Dropped,
    /// The engine turns to the new transfer; the first never ends.
    Replaces,
    /// The first transfer ends with corrupted bytes (what is in memory already stays whole); the second never runs.
    Corrupts,
}

/// Whether a transfer that a bus reset catches raises its END event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOnReset {
    /// It does, when it has moved its bytes.
    #[default]
    Fires,
    /// It does not; the engine is idle afterwards.
    Never,
}

/// Which registers are out of reach while a transfer runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutOfReach {
    /// All registers of the USB core: those that need READY as well.
    #[default]
    Core,
    /// SIZE.EPOUT and SIZE.ISOOUT only (what TinyUSB observed, issue #1474).
    Sizes,
}

/// What the datasheet leaves open, as switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// See [`SecondStart`].
    pub second_start: SecondStart,
    /// See [`EndOnReset`].
    pub end_on_reset: EndOnReset,
    /// See [`OutOfReach`].
    pub out_of_reach: OutOfReach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Power {
    Off,
    Starting,
    Ready,
}

/// The EasyDMA registers of one endpoint and direction.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct EasyDma {
    ptr: u32,
    maxcnt: u32,
    amount: u32,
}

/// The chip.
#[derive(Clone, Debug, Hash)]
pub struct Usbd {
    options: Options,
    power: Power,
    enable: u32,
    usbpullup: u32,
    /// One bit an event, as in INTEN.
    events: u32,
    inten: u32,
    shorts: u32,
    eventcause: u32,
    epstatus: u32,
    epinen: u32,
    epouten: u32,
    dmalatch: u32,
    coreindex: u32,
    epin: [EasyDma; 8],
    epout: [EasyDma; 8],
    usbaddr: u8,
    ep0: control::Ep0,
    job: Option<Job>,
    jobs: u32,
    misuse: Vec<Misuse>,
}

impl Usbd {
    /// A chip out of reset, switched off, with VBUS present.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            power: Power::Off,
            enable: 0,
            usbpullup: 0,
            events: 0,
            inten: 0,
            shorts: 0,
            eventcause: 0,
            epstatus: 0,
            epinen: 1,
            epouten: 1,
            dmalatch: 0,
            coreindex: 0,
            epin: [EasyDma::default(); 8],
            epout: [EasyDma::default(); 8],
            usbaddr: 0,
            ep0: control::Ep0::default(),
            job: None,
            jobs: 0,
            misuse: Vec::new(),
        }
    }

    /// Whether ENABLE was written and READY is still to come.
    pub fn is_powering_up(&self) -> bool {
        self.power == Power::Starting
    }

    /// Ends the power-up: READY.
    pub fn power_up_done(&mut self) {
        if self.power == Power::Starting {
            self.power = Power::Ready;
            self.eventcause |= map::eventcause::READY.mask();
            self.signal(map::events_usbevent());
        }
    }

    /// Whether a host sees a device: powered and pulled up.
    pub fn is_connected(&self) -> bool {
        self.power == Power::Ready && self.usbpullup != 0
    }

    /// The host resets the bus. Nothing happens to a device that is not connected.
    pub fn bus_reset(&mut self) {
        if !self.is_connected() {
            return;
        }
        self.usbaddr = 0;
        self.epinen = 1;
        self.epouten = 1;
        if self.options.end_on_reset == EndOnReset::Never {
            self.job = None;
        }
        self.signal(map::events_usbreset());
    }

    /// The events that are 1, each at its bit of INTEN.
    pub fn events(&self) -> u32 {
        self.events
    }

    /// The interrupt line: asserted while an event and its bit of INTEN are 1.
    pub fn interrupt(&self) -> bool {
        self.events & self.inten != 0
    }

    /// Takes what was done wrong since the last call.
    pub fn take_misuse(&mut self) -> Vec<Misuse> {
        std::mem::take(&mut self.misuse)
    }

    /// Whether there is misuse to take.
    pub fn has_misuse(&self) -> bool {
        !self.misuse.is_empty()
    }

    fn report(&mut self, misuse: Option<Misuse>) -> bool {
        let wrong = misuse.is_some();
        self.misuse.extend(misuse);
        wrong
    }

    /// An event's edge: sets the event and runs its shortcuts, whether or not the event was already 1.
    fn signal(&mut self, offset: u16) {
        self.events |= map::event_bit(offset);
        let shorts = self.shorts;
        if offset == map::events_ep0datadone() {
            if map::shorts::EP0DATADONE_STARTEPIN0.is_set(shorts) {
                self.start(0, Direction::MemoryToDevice);
            }
            if map::shorts::EP0DATADONE_STARTEPOUT0.is_set(shorts) {
                self.start(0, Direction::DeviceToMemory);
            }
            if map::shorts::EP0DATADONE_EP0STATUS.is_set(shorts) {
                self.on_tasks_ep0status();
            }
        }
        if offset == map::events_endepout(0) {
            if map::shorts::ENDEPOUT0_EP0STATUS.is_set(shorts) {
                self.on_tasks_ep0status();
            }
            if map::shorts::ENDEPOUT0_EP0RCVOUT.is_set(shorts) {
                self.on_tasks_ep0rcvout();
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
