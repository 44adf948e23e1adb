//! The nRF52840's POWER and CLOCK, as far as USB needs them, as a state machine.
//!
//! Sources: `nrf52840.svd` of nrfx 4.2.1 for the registers; the nRF5340 PS (USB supply; entering suspend) for what
//! follows from what. [`map`] has the registers, [`Usbd`](super::usbd::Usbd) is told of it all as its [`Feed`].
//!
//! | | off | starting | on |
//! |---|---|---|---|
//! | VBUS | the cable is pulled | | the cable is plugged in |
//! | USB regulator | no VBUS, or ENABLE=0 | from both on | after a step: EVENTS_USBPWRRDY |
//! | HFXO | out of reset; TASKS_HFCLKSTOP | TASKS_HFCLKSTART | after a step: EVENTS_HFCLKSTARTED |
//!
//! A step takes as long as a scheduler likes. With [`Supply::Always`] it takes no time, VBUS never goes, and HFXO runs
//! out of reset and never stops.
//!
//! *Modelled*: VBUS with USBDETECTED and USBREMOVED, USBREGSTATUS, the regulator with USBPWRRDY, HFXO with HFCLKSTARTED
//! and HFCLKSTAT, INTENSET and INTENCLR of these, the level of the interrupt line.
//!
//! *Not modelled*, and reported as [`Rule::NotModelled`] when touched: the other registers of the block.
//!
//! *Not modelled, and not reported*:
//! - HFXO that is stopped while a host sees the device: the controller answers nothing then, which the host reports;
//! - others that ask for HFXO, and System OFF, which VBUS would end;
//! - a handler for interrupt 0: nothing runs one.
//!
//! *Unspecified; we chose*:
//! - VBUS that is there out of reset raises no USBDETECTED (TinyUSB's boards: "no event generated");
//! - VBUS shows in the registers as soon as the cable is plugged in or pulled, and the regulator is off as soon as it
//!   goes;
//! - HFCLKSTART while HFXO runs raises HFCLKSTARTED again, at once; HFCLKSTOP while it starts ends that without an
//!   event;
//! - HFCLKSTAT.STATE is 1 with HFXO off: the CPU runs, so some oscillator does;
//! - what a driver has seen excuses it: VBUS that has gone since the driver saw it is no mistake of the driver's. An
//!   event of before, read after what it stands for has gone, is nothing that it has seen.

use dma_api::nrf52840::power::map::{self, Name, REGISTERS};
use dma_api::table::{Access, Register};

use super::usbd::{Feed, Rail, Supply};
use crate::monitor::{Misuse, Rule};

/// What takes its time to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rise {
    Off,
    Starting,
    On,
}

/// What comes next, when a scheduler says so.
///
/// See [`Power`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The USB regulator has settled: EVENTS_USBPWRRDY.
    Regulator,
    /// HFXO runs: EVENTS_HFCLKSTARTED.
    Crystal,
}

/// POWER and CLOCK.
///
/// ```
/// # use dma_api::nrf52840::power::map;
/// # use sim_core::device::power::{Power, Step};
/// # use sim_core::device::usbd::Supply;
/// let mut power = Power::new(Supply::Modelled);
/// power.write(map::tasks_hfclkstart(), 1).unwrap();
/// assert!(power.steps().any(|step| step == Step::Crystal), "it takes its time");
/// power.step(Step::Crystal);
/// assert_eq!(power.read(map::events_hfclkstarted()).unwrap(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Power {
    supply: Supply,
    vbus: bool,
    /// ENABLE of the controller.
    enabled: bool,
    regulator: Rise,
    crystal: Rise,
    /// One bit an event, as in INTENSET.
    events: u32,
    inten: u32,
    /// The CPU has seen VBUS, and has not seen it go.
    seen_vbus: bool,
    /// The same of the regulator.
    seen_output: bool,
}

/// In one piece: explorers hash this at each choice point. What never changes is left out.
impl std::hash::Hash for Power {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Events and INTEN have ten bits each.
        let levels = [self.vbus, self.enabled, self.seen_vbus, self.seen_output];
        let rises = [self.regulator, self.crystal].map(|rise| [rise == Rise::Starting, rise == Rise::On]);
        let bits = levels.into_iter().chain(rises.into_iter().flatten());
        state.write_u32(bits.fold(self.events << 10 | self.inten, |word, bit| word << 1 | u32::from(bit)));
    }
}

/// The offset of `address` in this block, if it is there.
///
/// See [`name_of`] for an example.
pub fn offset_of(address: u32) -> Option<u16> {
    let offset = usize::try_from(address).ok()?.checked_sub(map::BASE)?;
    u16::try_from(offset).ok().filter(|offset| *offset < 0x1000)
}

fn row_of(offset: u16) -> Option<&'static Register<Name>> {
    REGISTERS.iter().find(|row| row.offset == offset)
}

/// The datasheet's name of the register at `offset`, with its peripheral: `POWER.USBREGSTATUS`.
///
/// ```
/// # use sim_core::device::power::{name_of, offset_of};
/// let offset = offset_of(0x4000_0438).unwrap();
/// assert_eq!(name_of(offset), "POWER.USBREGSTATUS");
/// ```
pub fn name_of(offset: u16) -> String {
    use Name::*;
    let Some(row) = row_of(offset) else {
        return format!("POWER/CLOCK {offset:#05x}");
    };
    let is_clock = matches!(row.name, TASKS_HFCLKSTART | TASKS_HFCLKSTOP | EVENTS_HFCLKSTARTED | HFCLKSTAT);
    format!("{}.{}", if is_clock { "CLOCK" } else { "POWER" }, row.text)
}

fn not_modelled(offset: u16) -> Misuse {
    Misuse::new(Rule::NotModelled, format!("{} is not modelled", name_of(offset)))
}

impl Power {
    /// Out of reset, with the cable plugged in.
    pub fn new(supply: Supply) -> Self {
        let crystal = if supply == Supply::Always { Rise::On } else { Rise::Off };
        Self {
            supply,
            vbus: true,
            enabled: false,
            regulator: Rise::Off,
            crystal,
            events: 0,
            inten: 0,
            seen_vbus: false,
            seen_output: false,
        }
    }

    /// Whether what the registers show can change without the CPU.
    pub fn is_modelled(&self) -> bool {
        self.supply == Supply::Modelled
    }

    /// The interrupt line: asserted while an event and its bit of INTENSET are 1.
    pub fn interrupt(&self) -> bool {
        self.events & self.inten != 0
    }

    /// What the controller gets.
    pub fn feed(&self) -> Feed {
        if !self.is_modelled() {
            return Feed::default();
        }
        let rail = |on, seen| match (on, seen) {
            (true, _) => Rail::On,
            (false, true) => Rail::Lost,
            (false, false) => Rail::Off,
        };
        Feed {
            vbus: rail(self.vbus, self.seen_vbus),
            output: rail(self.is_settled(), self.seen_output),
            crystal: self.crystal == Rise::On,
        }
    }

    /// The cable is plugged in, or pulled.
    pub fn set_vbus(&mut self, vbus: bool) {
        if vbus == self.vbus || !self.is_modelled() {
            return;
        }
        self.vbus = vbus;
        self.signal(if vbus { map::events_usbdetected() } else { map::events_usbremoved() });
        self.switch_regulator();
    }

    /// The controller's ENABLE is this now.
    pub fn set_enabled(&mut self, enabled: bool) {
        if enabled == self.enabled {
            return;
        }
        self.enabled = enabled;
        // A driver that switches the regulator off knows that it is off.
        self.seen_output = false;
        self.switch_regulator();
    }

    /// The regulator is on while VBUS is detected and the controller enabled (nRF5340 PS, USB supply).
    fn switch_regulator(&mut self) {
        self.regulator = if self.vbus && self.enabled { Rise::Starting } else { Rise::Off };
        self.hurry(Step::Regulator);
    }

    /// What can come next.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let rises = [(self.regulator, Step::Regulator), (self.crystal, Step::Crystal)];
        rises.into_iter().filter(|(rise, _)| *rise == Rise::Starting).map(|(_, step)| step)
    }

    /// It comes. Nothing happens if it was not to.
    pub fn step(&mut self, step: Step) {
        let (rise, event) = match step {
            Step::Regulator => (&mut self.regulator, map::events_usbpwrrdy()),
            Step::Crystal => (&mut self.crystal, map::events_hfclkstarted()),
        };
        if *rise == Rise::Starting {
            *rise = Rise::On;
            self.signal(event);
        }
    }

    /// Where nothing takes time, it comes at once.
    fn hurry(&mut self, step: Step) {
        if !self.is_modelled() {
            self.step(step);
        }
    }

    fn signal(&mut self, event: u16) {
        self.events |= map::event_bit(event);
    }

    fn is_settled(&self) -> bool {
        self.regulator == Rise::On
    }

    /// Reads the register at `offset`.
    ///
    /// # Errors
    ///
    /// [`Rule::NotModelled`]: it is none of [`map`].
    pub fn read(&mut self, offset: u16) -> Result<u32, Misuse> {
        let row = row_of(offset).ok_or_else(|| not_modelled(offset))?;
        let value = match row.name {
            Name::INTENSET | Name::INTENCLR => self.inten,
            Name::HFCLKSTAT => {
                map::hfclkstat::STATE.mask() | map::hfclkstat::SRC.put((self.crystal == Rise::On).into())
            }
            Name::USBREGSTATUS => {
                let vbus = map::usbregstatus::VBUSDETECT.put(self.vbus.into());
                vbus | map::usbregstatus::OUTPUTRDY.put(self.is_settled().into())
            }
            _ if row.access == Access::Event => (self.events & map::event_bit(offset) != 0).into(),
            // Tasks read as 0.
            _ => row.reset,
        };
        self.note_seen(row.name, value);
        Ok(value)
    }

    /// What the CPU learns by a read.
    fn note_seen(&mut self, name: Name, value: u32) {
        match name {
            Name::USBREGSTATUS => (self.seen_vbus, self.seen_output) = (self.vbus, self.is_settled()),
            Name::EVENTS_USBREMOVED if value != 0 => (self.seen_vbus, self.seen_output) = (false, false),
            Name::EVENTS_USBDETECTED if value != 0 => self.seen_vbus |= self.vbus,
            Name::EVENTS_USBPWRRDY if value != 0 => {
                self.seen_vbus |= self.vbus;
                self.seen_output |= self.is_settled();
            }
            _ => {}
        }
    }

    /// Writes the register at `offset`. Takes effect at once.
    ///
    /// # Errors
    ///
    /// [`Rule::NotModelled`]: it is none of [`map`].
    pub fn write(&mut self, offset: u16, value: u32) -> Result<(), Misuse> {
        let row = row_of(offset).ok_or_else(|| not_modelled(offset))?;
        let value = value & row.mask();
        match row.name {
            Name::TASKS_HFCLKSTART if value != 0 => self.on_tasks_hfclkstart(),
            Name::TASKS_HFCLKSTOP if value != 0 => self.on_tasks_hfclkstop(),
            Name::INTENSET => self.inten |= value,
            Name::INTENCLR => self.inten &= !value,
            _ if row.access == Access::Event && value == 0 => self.events &= !map::event_bit(offset),
            _ => {}
        }
        Ok(())
    }

    fn on_tasks_hfclkstart(&mut self) {
        match self.crystal {
            Rise::Off => self.crystal = Rise::Starting,
            Rise::Starting => {}
            Rise::On => self.signal(map::events_hfclkstarted()),
        }
    }

    fn on_tasks_hfclkstop(&mut self) {
        if self.is_modelled() {
            self.crystal = Rise::Off;
        }
    }
}

#[cfg(test)]
mod tests;
