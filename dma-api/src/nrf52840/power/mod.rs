//! VBUS, the USB regulator and the crystal: when a controller may come up.
//!
//! [`Power`] is the driver of the POWER and CLOCK registers, as far as USB needs them. [`Power::advance`] takes a
//! [`Usbd`] up, in the order that the hardware asks for, and down again when the cable was pulled:
//!
//! ```text
//! VBUS is there -> ENABLE=1, HFXO started -> READY, HFXO runs, regulator has settled -> USBPULLUP=1
//! VBUS has gone -> USBPULLUP=0, ENABLE=0, HFXO stopped
//! ```
//!
//! # States
//!
//! | state | `advance` |
//! |---|---|
//! | *unplugged* | powers up, -> *starting*, if VBUS is there |
//! | *starting* | pulls D+ up, -> *attached*, when all three have come; powers down, -> *unplugged*, if VBUS has gone |
//! | *attached* | powers down, -> *unplugged*, if VBUS has gone |
//!
//! Nothing waits: call `advance` again, or let the events of [`listen`](Power::listen) call it. While an endpoint owns
//! the controller, ask [`is_removed`](Power::is_removed), and take the endpoint apart when it says so: EasyDMA goes on
//! without VBUS, and is to be waited for before ENABLE=0.
//!
//! # What is trusted
//!
//! USBREGSTATUS and HFCLKSTAT say what is; of the events only EVENTS_USBREMOVED is believed, because VBUS that has gone
//! and come again shows in nothing else. VBUS that was there before the firmware raises no EVENTS_USBDETECTED
//! (TinyUSB's boards ask USBREGSTATUS for it), and the EVENTS_USBPWRRDY of the time before may still be set.
//!
//! # Limits
//!
//! - HFXO is started and stopped as if nobody else needed it: a radio does.
//! - Suspended devices may stop HFXO, and are to start it before they answer: [`stop_clock`](Power::stop_clock) and
//!   [`start_clock`](Power::start_clock) are there, calling them is left to the firmware.

use super::usbd::Usbd;
use crate::registers::{OutsideRegisters, Peripheral, Registers, RegistersOf, Volatile};

pub mod map;

/// The registers of a real nRF52840, to make a [`Power`] from.
///
/// See [`Power`] for an example.
pub type ChipRegisters = Volatile<{ map::BASE }>;

/// How far a controller has come.
///
/// See [`Power`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Controller and crystal are off.
    Unplugged,
    /// VBUS is there; the controller, the crystal or the regulator is still to come.
    Starting,
    /// D+ is pulled up: a host sees the device.
    Attached,
}

/// The POWER and CLOCK registers.
///
/// ```no_run
/// # use dma_api::fence::InOrder;
/// # use dma_api::nrf52840::{power::{ChipRegisters, Power, State}, usbd::{ChipBus, Usbd}};
/// /// Waits for a cable, and shows the host a device.
/// fn attach(power: &mut Power<ChipRegisters>, usbd: &mut Usbd<ChipBus<InOrder>>) {
///     while power.advance(usbd) != State::Attached {}
/// }
/// ```
#[derive(Debug)]
pub struct Power<R> {
    registers: R,
    state: State,
}

/// The peripheral at [`map::BASE`]: POWER and CLOCK share a block.
///
/// See [`Power`] for an example.
#[derive(Debug)]
pub enum PowerClock {}

impl Peripheral for PowerClock {
    const BASE: usize = map::BASE;
}

// SAFETY:
// - `Volatile::new` was promised that the peripheral is there.
// - And that nobody else uses it.
unsafe impl RegistersOf<PowerClock> for ChipRegisters {}

impl<R: RegistersOf<PowerClock>> Power<R> {
    /// The driver of these registers, for a controller that is off.
    pub const fn new(registers: R) -> Self {
        Self { registers, state: State::Unplugged }
    }

    /// Takes `usbd` as far up, or down, as it goes now. Always call it with the same one.
    pub fn advance<B: Registers + OutsideRegisters>(&mut self, usbd: &mut Usbd<B>) -> State {
        // Before VBUS is looked at: if it goes after the look, its event is found by the next call.
        let removed = self.take_events();
        match self.state {
            State::Unplugged => {
                if self.is_vbus_present() {
                    usbd.power_up();
                    self.start_clock();
                    self.state = State::Starting;
                }
            }
            State::Starting | State::Attached if removed => {
                usbd.power_down();
                self.stop_clock();
                self.state = State::Unplugged;
            }
            State::Starting => {
                if usbd.is_ready() && self.is_clock_running() && self.is_output_ready() {
                    usbd.connect();
                    self.state = State::Attached;
                }
            }
            State::Attached => {}
        }
        self.state
    }

    /// Whether VBUS has gone since the last `advance`, even if it has come again.
    pub fn is_removed(&self) -> bool {
        self.event(map::events_usbremoved())
    }

    /// Whether VBUS is there.
    pub fn is_vbus_present(&self) -> bool {
        map::usbregstatus::VBUSDETECT.is_set(self.registers.read(map::usbregstatus()))
    }

    /// Whether the USB regulator has settled. It is on while VBUS is there and ENABLE is 1 (nRF5340 PS, USB supply).
    pub fn is_output_ready(&self) -> bool {
        map::usbregstatus::OUTPUTRDY.is_set(self.registers.read(map::usbregstatus()))
    }

    /// Starts the crystal. It runs when [`is_clock_running`](Self::is_clock_running) says so.
    pub fn start_clock(&mut self) {
        self.write(map::tasks_hfclkstart(), map::tasks_hfclkstart::TASK.mask());
    }

    /// Stops the crystal. A controller without it answers no host.
    pub fn stop_clock(&mut self) {
        self.write(map::tasks_hfclkstop(), map::tasks_hfclkstop::TASK.mask());
    }

    /// Whether the crystal runs, and is stable.
    pub fn is_clock_running(&self) -> bool {
        let status = self.registers.read(map::hfclkstat());
        map::hfclkstat::SRC.is_set(status) && map::hfclkstat::STATE.is_set(status)
    }

    /// Lets the events in `mask` (bits of INTENSET) assert the interrupt line. `advance` clears them.
    pub fn listen(&self, mask: u32) {
        self.write(map::intenset(), mask);
    }

    /// Stops the events in `mask` (bits of INTENSET) from asserting the interrupt line.
    pub fn unlisten(&self, mask: u32) {
        self.write(map::intenclr(), mask);
    }

    /// Clears the events that are set; returns whether EVENTS_USBREMOVED was.
    fn take_events(&self) -> bool {
        let others = [map::events_hfclkstarted(), map::events_usbdetected(), map::events_usbpwrrdy()];
        for event in others {
            self.take(event);
        }
        self.take(map::events_usbremoved())
    }

    fn take(&self, event: u16) -> bool {
        let set = self.event(event);
        if set {
            self.write(event, 0);
        }
        set
    }

    fn event(&self, offset: u16) -> bool {
        self.registers.read(offset) != 0
    }

    fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - The write starts no transfer: no register of POWER and CLOCK does, and it is one of those (`RegistersOf`).
        unsafe { self.registers.write(offset, value) }
    }
}

#[cfg(test)]
mod tests;
