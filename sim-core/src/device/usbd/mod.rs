//! The nRF52840's USB device controller, as a pure state machine.
//!
//! Sources: `nrf52840.svd` of nrfx 4.2.1 for the registers; the nRF5340 PS (same IP) and published drivers for the
//! behaviour; the EZ-USB manuals for the core underneath.
//!
//! *Modelled*: power-up and READY, pull-up, bus reset, endpoint 0 in both directions (SETUP, data and status stage,
//! STALL, NAK, toggles, EPINEN.IN0 and EPOUTEN.OUT0), SET_ADDRESS in hardware, all SHORTS, STARTED/EPSTATUS/AMOUNT, PTR
//! and MAXCNT captured at START, one EasyDMA transfer at a time, INTEN and the level interrupt line, EVENTCAUSE
//! write-1-to-clear, the windows in which registers are out of reach; bulk and interrupt endpoints 1 to 7 in both
//! directions (EPINEN, EPOUTEN, SIZE.EPOUT, EPDATA and EPDATASTATUS, EPSTALL, HALTED, DTOGGLE, a lost ACK); taking an
//! armed packet out of an IN endpoint (COREINDEX 0x7B4, and 0x7B6 and on, as nrfx does); SOF and FRAMECNTR; suspend,
//! resume, LOWPOWER, remote wake-up (USBWUALLOWED, DPDMVALUE, DPDMDRIVE); isochronous endpoints (double buffering over
//! SOF, SIZE.ISOOUT, ISOOUTCRC, ISOSPLIT, ISOINCONFIG); errata by revision of the silicon, with their workarounds, if
//! [`Options::errata`] says so ([`Errata`]; the default is the newest silicon).
//!
//! *Not modelled*, and reported as [`Rule::NotModelled`] when touched: the core's other registers (COREDATA), DMASTATE.
//!
//! *Not modelled, and not reported*:
//! - ISOSPLIT 0 with both isochronous endpoints enabled: on silicon they share one buffer, here each has its own;
//! - the difference of bulk and interrupt: the host alone knows it;
//! - VBUS, the USB regulator and HFXO: they are there, unless [`Options::supply`] says that they are
//!   [modelled](super::power); how long anything takes: READY and USBWUALLOWED come when the explorer says so;
//! - erratum 94 (its register, BUSSTATE, is in no map) and the END events that erratum 104 loses;
//! - errata at the times at which a driver cannot be blamed: a missing poke of 171 at a wake-up, and of 211, delays and
//!   is not reported.
//!
//! *Unspecified; we chose* (the first of each is the default, [`Options`] has the rest):
//! - a second START while a transfer runs is dropped; or it replaces the first; or it corrupts the first;
//! - a transfer that a bus reset catches runs to its end; or it never ends;
//! - registers of the USB core are out of reach while a transfer runs; or only SIZE.* is;
//! - without the workaround of erratum 199 a START is lost; or what the host sends while a transfer runs;
//! - PTR need not be aligned; or PTR, and the length of isochronous IN packets, are to be multiples of 4;
//! - EPOUT\[n\].AMOUNT counts; or it reads 0 (TinyUSB issue #3783);
//! - an odd number of bytes moved before ENABLE=0 is harmless; or the next transfer goes to an address where nothing is
//!   (nrfx `m_dma_odd`);
//! - an EP0RCVOUT permission outlives its control transfer (embassy issue #768); or a SETUP ends it (EZ-USB);
//! - a transfer that a new SETUP catches ends as usual, shortcuts included, but neither arms the endpoint nor touches
//!   what has arrived since: after a SETUP the endpoint answers NAK until software acts (PS, control transfers);
//! - EP0STATUS permits the status stage whenever it comes, in the data stage too, until the next SETUP;
//! - an armed IN packet and the EP0 state survive a bus reset (EZ-USB), until the next SETUP;
//! - MAXCNT above the endpoint's buffer (64 bytes, 512 or 1023) moves what fits; STARTEPOUT without a packet moves what
//!   the buffer holds;
//! - STARTED is raised together with the capture, at the task write;
//! - a write to SIZE.EPOUT\[0\] drops a packet that waits and permits the next (EZ-USB OUT0BC);
//! - an OUT packet to endpoint 0 that repeats the toggle of the one before is acknowledged, permitted or not;
//! - SETUP is acknowledged with EPINEN and EPOUTEN 0; START looks at neither;
//! - SIZE.EPOUT\[n\] written over a packet that waits is [`Rule::ArmedTwice`] only while EPDATASTATUS still announces
//!   the packet: a driver that has seen it may drop it (nrfx);
//! - what endpoints 1 to 7 hold, their toggles and stalls included, survives a bus reset; a bit of EPOUTEN that goes
//!   from 0 to 1 finds its endpoint neither armed nor full, and an OUT endpoint that is unstalled is not armed;
//! - an OUT packet with the wrong toggle is acknowledged and not stored if the endpoint is armed; else it gets NAK;
//! - an OUT transfer without a packet arms the endpoint at its END as any other;
//! - DTOGGLE that forces an endpoint which is not selected selects it, and the force is lost;
//! - EPSTALL with endpoint 0 stalls both of its directions until the next SETUP;
//! - EPSTALL and DTOGGLE with endpoint 8 act on endpoint 0;
//! - a suspended device answers nothing: tokens and SOFs to it are preceded by a resume, or (SOF) are one;
//! - LOWPOWER=1 gives up the transfer that runs, and does so on a bus that is not suspended as well; from LOWPOWER=0 on
//!   the core's registers are in reach, and from USBWUALLOWED on it answers;
//! - a bus reset ends a suspension, without RESUME; LOWPOWER stays;
//! - DPDMDRIVE with the value of resume does nothing on a bus that is not suspended; J and K silence the device;
//! - an isochronous IN transfer that a SOF catches is sent in the frame after the one in which it ends; a packet that
//!   nobody asks for in its frame is gone, one that came OUT stays until the next SOF;
//! - SIZE.ISOOUT holds its reset value until a SOF finds an isochronous endpoint enabled; ISOOUTCRC is raised when the
//!   packet comes; bytes that the buffer cannot hold are lost;
//! - shortcuts of one event run in the order of their bits;
//! - READY waits for VBUS, and for neither regulator nor HFXO. A transceiver without its regulator sees no bus and no
//!   suspension, and pulls nothing up: USBPULLUP stays 1, and acts again when the regulator has settled again. The core
//!   and its registers live on without both, EasyDMA included; without HFXO no token is answered, and no SOF seen, but
//!   bus reset, suspend and resume are;
//! - ENABLE=0 clears the core, the events, EVENTCAUSE, EPSTATUS and DMALATCH; INTEN, SHORTS, PTR, MAXCNT and AMOUNT
//!   stay.

use dma_api::address::{BusAddress, Direction};
use dma_api::nrf52840::usbd::map::{self, Name, PACKET_SIZE};
use dma_api::table::Field;

use crate::monitor::{Misuse, Rule};

mod control;
mod core_register;
mod data;
mod errata;
mod feed;
mod iso;
mod line;
mod options;
mod payload;
mod power;
mod registers;
mod rules;
mod toggle;
mod transfer;
mod wire;

pub use errata::{Errata, Erratum, Revision};
pub use feed::{Feed, Rail};
pub use iso::{ISO, ISO_PACKET_SIZE};
pub use line::Drive;
pub use options::{
    Alignment, AmountOfOut, EndOnReset, Erratum199, OddBytes, Options, OutOfReach, PermissionOfOut, SecondStart, Supply,
};
pub use payload::Payload;
pub use registers::{address_of, mode_of, name_of, names_of, offset_of};
pub use transfer::Job;
pub use wire::{Answer, Packet, Token};

/// The EasyDMA registers of one endpoint and direction.
#[derive(Clone, Copy, Debug, Default)]
struct EasyDma {
    ptr: u32,
    maxcnt: u32,
    amount: u32,
}

/// In one piece: explorers hash the chip at each choice point, and there are eighteen of these in it.
impl std::hash::Hash for EasyDma {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // MAXCNT and AMOUNT have ten bits at most.
        state.write_u64(u64::from(self.ptr) << 32 | u64::from(self.maxcnt) << 16 | u64::from(self.amount));
    }
}

/// The chip.
///
/// The chip alone, without memory and engine:
///
/// ```
/// # use dma_api::nrf52840::usbd::map;
/// # use sim_core::device::usbd::{Options, Usbd};
/// let mut usbd = Usbd::new(Options::ideal());
/// usbd.write(map::inten(), map::inten::SOF.mask());
/// assert_eq!(usbd.read(map::intenset()), map::inten::SOF.mask());
/// assert!(!usbd.interrupt() && !usbd.has_misuse());
/// usbd.write(map::epinen(), 1); // not before READY
/// assert_eq!(usbd.take_misuse().len(), 1);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Usbd {
    options: options::Fixed,
    power: power::Power,
    feed: Feed,
    line: line::Line,
    enable: u32,
    usbpullup: u32,
    lowpower: u32,
    dpdmvalue: u32,
    framecntr: u32,
    /// One bit an event, as in INTEN.
    events: u32,
    inten: u32,
    shorts: u32,
    eventcause: u32,
    epstatus: u32,
    epdatastatus: u32,
    /// The endpoint that was selected.
    dtoggle: u32,
    epinen: u32,
    epouten: u32,
    dmalatch: u32,
    coreindex: u32,
    /// The core's register that erratum 166 is about.
    coreiso: u32,
    in07irq: u32,
    out07irq: u32,
    outside: errata::Outside,
    loses_start: bool,
    loses_epdata: bool,
    /// An odd number of bytes was moved since ENABLE=1.
    odd_bytes: bool,
    /// The next transfer goes astray.
    astray: bool,
    epin: [EasyDma; 9],
    epout: [EasyDma; 9],
    usbaddr: u8,
    ep0: control::Ep0,
    data: data::DataEndpoints,
    iso: Option<Box<iso::Iso>>,
    isosplit: u32,
    isoinconfig: u32,
    job: Option<Job>,
    jobs: u32,
    misuse: Vec<Misuse>,
}

impl Usbd {
    /// A chip out of reset, switched off, fed with all that it needs.
    pub fn new(options: Options) -> Self {
        Self {
            options: options::Fixed(options),
            power: power::Power::Off,
            feed: Feed::default(),
            line: line::Line::default(),
            enable: 0,
            usbpullup: 0,
            lowpower: 0,
            dpdmvalue: 0,
            framecntr: 0,
            events: 0,
            inten: 0,
            shorts: 0,
            eventcause: 0,
            epstatus: 0,
            epdatastatus: 0,
            dtoggle: 0,
            epinen: 1,
            epouten: 1,
            dmalatch: 0,
            coreindex: 0,
            coreiso: 0,
            in07irq: 0,
            out07irq: 0,
            outside: errata::Outside::default(),
            loses_start: false,
            loses_epdata: false,
            odd_bytes: false,
            astray: false,
            epin: [EasyDma::default(); 9],
            epout: [EasyDma::default(); 9],
            usbaddr: 0,
            ep0: control::Ep0::default(),
            data: data::DataEndpoints::default(),
            iso: None,
            isosplit: 0,
            isoinconfig: 0,
            job: None,
            jobs: 0,
            misuse: Vec::new(),
        }
    }

    /// The events that are 1, each at its bit of INTEN.
    pub fn events(&self) -> u32 {
        self.events
    }

    /// The events that INTEN enables, each at its bit.
    pub fn inten(&self) -> u32 {
        self.inten
    }

    /// The events that assert the interrupt line: 1, and enabled by INTEN.
    pub fn asserted(&self) -> u32 {
        self.events & self.inten
    }

    /// The interrupt line: asserted while an event and its bit of INTEN are 1.
    pub fn interrupt(&self) -> bool {
        self.asserted() != 0
    }

    /// Takes what was done wrong since the last call.
    pub fn take_misuse(&mut self) -> Vec<Misuse> {
        std::mem::take(&mut self.misuse)
    }

    /// Whether there is misuse to take.
    pub fn has_misuse(&self) -> bool {
        !self.misuse.is_empty()
    }

    #[inline]
    fn report(&mut self, misuse: Option<Misuse>) -> bool {
        let Some(misuse) = misuse else {
            return false;
        };
        self.misuse.push(misuse);
        true
    }

    /// Sets a bit of EVENTCAUSE. USBEVENT is raised by a bit that goes from 0 to 1, and by nothing else.
    fn signal_cause(&mut self, cause: Field) {
        if !cause.is_set(self.eventcause) {
            self.eventcause |= cause.mask();
            self.signal(map::events_usbevent());
        }
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
