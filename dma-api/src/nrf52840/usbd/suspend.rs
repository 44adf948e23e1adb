//! Suspend: low power, resume, remote wake-up.
//!
//! In low power no transfer may run or be started: it would never end (Nordic, in Zephyr PR #81596). So the right to
//! start transfers, the [`Engine`], is given up for it, and a transfer in low power cannot be written down:
//!
//! | you have | LOWPOWER | what ends it |
//! |---|---|---|
//! | [`Engine`] | 0 | [`Engine::suspend`], after [`BusEvent::Suspend`](super::BusEvent::Suspend) |
//! | [`Suspended`] | 1 | [`resume`](Suspended::resume): an engine; [`wake_up`](Suspended::wake_up): a `Waking` |
//! | [`Waking`] | 0, until USBWUALLOWED | [`end`](Waking::end), [`give_up`](Waking::give_up): an engine |
//!
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn transfer_in_low_power(engine: Engine<ChipBus<InOrder>>, epin: &mut EpIn, bytes: &'static mut [u8]) {
//!     let suspended = engine.suspend().unwrap();
//!     epin.send(engine, bytes).unwrap(); // the engine is suspended
//! }
//! ```
//! ```compile_fail,E0308
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn packet_in_low_power(engine: Engine<ChipBus<InOrder>>, epin: &mut EpIn) {
//!     let mut suspended = engine.suspend().unwrap();
//!     epin.write(&mut suspended, &[1]).unwrap(); // that is no engine
//! }
//! ```
//! ```compile_fail,E0382
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn low_power_in_mid_transfer(engine: Engine<ChipBus<InOrder>>, epin: &mut EpIn, bytes: &'static mut [u8]) {
//!     let transfer = epin.send(engine, bytes).unwrap();
//!     engine.suspend().unwrap(); // the engine is in the transfer: wait for its end
//! }
//! ```
//! ```no_run
//! # use dma_api::{fence::InOrder, nrf52840::usbd::{ChipBus, EpIn, Engine}};
//! fn sleep(engine: Engine<ChipBus<InOrder>>, epin: &mut EpIn, bytes: &'static mut [u8]) {
//!     let suspended = engine.suspend().unwrap();
//!     while !suspended.is_resumed() {} // or sleep until USBEVENT or USBRESET interrupts
//!     epin.send(suspended.resume(), bytes).unwrap();
//! }
//! ```
//!
//! What endpoints hold, stays: a packet that is armed is sent after the resume.
//!
//! # The race
//!
//! The host may resume the bus while the controller is being put to sleep. So `suspend` looks at EVENTCAUSE.RESUME
//! before LOWPOWER=1 and after it (nrfx 4.2.1 `nrfx_usbd_suspend`), and clears EVENTS_USBEVENT in between: whatever
//! raises it from there on is news, so that a core which sleeps until it is not left asleep.
//!
//! # Yours
//!
//! The crystal may be stopped while you have [`Suspended`], and runs again before you leave it. Before
//! [`wake_up`](Suspended::wake_up) the host has allowed it (SET_FEATURE(DEVICE_REMOTE_WAKEUP)), and the bus was idle
//! for 5 ms (USB 2.0 7.1.7.7).

use super::{Engine, Usbd, map};
use crate::registers::{OutsideRegisters, Registers};

/// The controller in low power: an engine that cannot start anything.
///
/// See the [module](self) for an example.
#[derive(Debug)]
pub struct Suspended<B> {
    engine: Engine<B>,
}

/// The controller on its way out of low power, to ask the host for a resume.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::usbd::{ChipBus, Engine, Suspended};
/// /// Asks the host to go on.
/// fn wake_up(suspended: Suspended<ChipBus<InOrder>>) -> Engine<ChipBus<InOrder>> {
///     let mut waking = suspended.wake_up();
///     loop {
///         match waking.end() {
///             Ok(engine) => break engine,
///             Err(not_yet) => waking = not_yet,
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Waking<B> {
    engine: Engine<B>,
}

impl<B: Registers> Engine<B> {
    /// Puts the controller to sleep: LOWPOWER=1. After [`BusEvent::Suspend`](super::BusEvent::Suspend): a controller
    /// that sleeps on a bus in use answers nothing.
    ///
    /// EVENTS_USBEVENT is 0 then, unless something has happened since.
    ///
    /// # Errors
    ///
    /// The engine, awake, if the host has resumed or reset the bus meanwhile: take the events.
    pub fn suspend(self) -> Result<Suspended<B>, Self> {
        let usbd = &self.usbd;
        if usbd.is_resumed() {
            return Err(self);
        }
        usbd.write(map::lowpower(), 1);
        usbd.clear_bus_event();
        if usbd.is_resumed() {
            usbd.write(map::lowpower(), 0);
            return Err(self);
        }
        Ok(Suspended { engine: self })
    }
}

impl<B: Registers> Suspended<B> {
    /// The register block, as far as it is in reach: interrupt masks and events.
    pub fn usbd(&self) -> &Usbd<B> {
        &self.engine.usbd
    }

    /// Whether the host has resumed the bus, or reset it: call [`resume`](Self::resume).
    ///
    /// Clears EVENTS_USBEVENT. What has happened is left for [`Usbd::take_bus_event`] and
    /// [`Control::next_event`](super::Control::next_event).
    pub fn is_resumed(&self) -> bool {
        self.usbd().clear_bus_event();
        self.usbd().is_resumed()
    }

    /// Leaves low power: LOWPOWER=0. On a bus that is still suspended, the controller may not wake up before the host
    /// resumes it (erratum 171): to wake the host, there is [`wake_up`](Self::wake_up).
    ///
    /// It answers the host from [`BusEvent::WakeUpAllowed`](super::BusEvent::WakeUpAllowed) on, a few microseconds
    /// later.
    pub fn resume(self) -> Engine<B> {
        self.usbd().write(map::lowpower(), 0);
        self.engine
    }
}

impl<B: Registers + OutsideRegisters> Suspended<B> {
    /// Begins a remote wake-up: LOWPOWER=0. Goes on in hardware, for a few microseconds: see [`Waking::end`].
    ///
    /// As for [`Usbd::power_up`], no interrupt handler does the workarounds of another peripheral meanwhile.
    pub fn wake_up(self) -> Waking<B> {
        let mut engine = self.engine;
        // One of an earlier wake-up would pass for this one's.
        engine.usbd.write(map::eventcause(), map::eventcause::USBWUALLOWED.mask());
        // In either order: embassy before LOWPOWER=0, nrfx after it.
        engine.usbd.begin_wake_up();
        engine.usbd.write(map::lowpower(), 0);
        Waking { engine }
    }
}

impl<B: Registers + OutsideRegisters> Waking<B> {
    /// Asks the host to resume the bus, if the controller is awake: drives K, for as long as the hardware takes it to
    /// be right. No RESUME follows one's own wake-up; the next thing to see is a SOF.
    ///
    /// If the host has resumed or reset the bus meanwhile, nothing is driven. Clears EVENTS_USBEVENT.
    ///
    /// # Errors
    ///
    /// The wake-up, until USBWUALLOWED.
    pub fn end(self) -> Result<Engine<B>, Self> {
        let usbd = &self.engine.usbd;
        usbd.clear_bus_event();
        let allowed = map::eventcause::USBWUALLOWED;
        if !allowed.is_set(usbd.bus.read(map::eventcause())) {
            return Err(self);
        }
        usbd.write(map::eventcause(), allowed.mask());
        let is_resumed = usbd.is_resumed();
        let engine = self.give_up();
        if !is_resumed {
            engine.usbd.write(map::dpdmvalue(), map::DPDMVALUE_RESUME);
            engine.usbd.write(map::tasks_dpdmdrive(), 1);
        }
        Ok(engine)
    }

    /// Gives the wake-up up: the host has resumed the bus, or the cable was pulled. Nothing is driven.
    pub fn give_up(mut self) -> Engine<B> {
        self.engine.usbd.end_wake_up();
        self.engine
    }
}

impl<B: Registers> Usbd<B> {
    /// Whether RESUME, or a bus reset, was seen and not taken.
    fn is_resumed(&self) -> bool {
        map::eventcause::RESUME.is_set(self.bus.read(map::eventcause())) || self.event(map::events_usbreset())
    }
}
