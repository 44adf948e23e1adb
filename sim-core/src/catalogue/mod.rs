//! Known ways to get DMA wrong, each as a program, with its right twin.
//!
//! Two sources: the APIs with which the community has found out what a sound one needs (the *specimens*), and the bug
//! reports of published drivers, by section and number of the list that they were collected in. Each is rebuilt in our
//! own words, on one of the two chips, in simulated RAM: what is a dangling pointer there is a finding here.
//!
//! A [`Case`] says what it is from, which class of hazard it is, and how the broken program is caught, and has both
//! programs. `tests/catalogue` explores each on every schedule, and so does `dmacheck catalogue`: no verdict is written
//! down anywhere but as what is expected.
//!
//! A race is found by the vector clocks; where the firmware is one that loom can run, loom has to find it as well.
//!
//! What a compiler refuses is not a program: [`refused`] has the list. What cannot be expressed on these chips is in
//! [`left_out`], with the reason.
//!
//! # What a case shows, and what it does not
//!
//! That a driver which makes this mistake is caught, for the stated reason. Not that the driver in the report looked
//! like this: the programs have the mistake, and little else.

use crate::by_hand::{nrf52840, stm32f103};
use crate::device::Chip;
use crate::device::usbd::Options;
use crate::explore::stepped::{Bus, Exploration};
use crate::explore::{Verdict, model};
use crate::host::{Host, Script};
use crate::soc::{Config, Soc};

/// Writes a case down: its name is that of its firmware.
macro_rules! serial {
    ($name:ident, $hazard:ident, $source:literal, $caught:expr, $peer:expr) => {
        Case::serial(stringify!($name), Hazard::$hazard, $source, $caught, $name, $peer)
    };
}

/// The same of one for USBD, on a device that is configured.
macro_rules! usb {
    ($name:ident, $hazard:ident, $source:literal, $caught:expr, $host:expr) => {
        Case::usb(stringify!($name), Hazard::$hazard, $source, $caught, $name, $host)
    };
}

mod address;
mod aliasing;
mod attempt;
mod buffers;
mod caches;
mod caught;
mod circular;
mod early_drop;
mod fences;
mod hazard;
mod leak;
pub mod left_out;
mod lengths;
mod peers;
pub mod refused;
mod regions;
mod sharing;
mod specimens;
mod steps;
mod stopping;
mod validity;

pub use attempt::Attempt;
pub use caught::{Caught, Detector};
pub use hazard::Hazard;

/// USART1 and its channels, as the firmware of a case has them.
type Serial = stm32f103::Hand<Bus>;

/// USBD, likewise.
type Usb = nrf52840::Hand<Bus>;

/// What runs on the chip; with the mistake, if it is told so.
#[derive(Clone, Copy, Debug)]
enum Firmware {
    Serial(fn(&Serial, bool)),
    Usb(fn(&Usb, bool)),
}

/// One way to get DMA wrong.
///
/// ```
/// # use sim_core::catalogue::{Hazard, cases};
/// let case = cases().find(|case| case.id() == "c016").unwrap();
/// println!("{}: {}, {}", case.id(), case.title(), case.hazard.title());
/// let judged = case.judge();
/// assert!(judged.is_caught(), "the broken program, for the reason that is stated");
/// assert!(judged.is_clean(), "the right one is sound on every schedule");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The id, and what goes wrong: `c016_dropped_transfer_frees_live_target`. An id of `s` is a specimen's, one of `c`
    /// a report's by its number in the list, one of `b` a weakness's of the buffer traits, likewise.
    pub name: &'static str,
    /// The class.
    pub hazard: Hazard,
    /// Where it was seen.
    pub source: &'static str,
    /// What is expected of the broken program.
    pub caught: Caught,
    config: fn(bool) -> Config,
    prepare: fn(&mut Soc),
    firmware: Firmware,
    /// The same, for loom: a transfer, and nothing that the peer says but its frames.
    under_loom: Option<fn(&stm32f103::Hand<model::Bus>, bool)>,
    host: fn(Host) -> Script,
}

impl Case {
    const fn serial(
        name: &'static str,
        hazard: Hazard,
        source: &'static str,
        caught: Caught,
        firmware: fn(&Serial, bool),
        host: fn(Host) -> Script,
    ) -> Self {
        let (config, prepare, firmware) = (usart, stm32f103::memory, Firmware::Serial(firmware));
        Self { name, hazard, source, caught, config, prepare, firmware, under_loom: None, host }
    }

    const fn usb(
        name: &'static str,
        hazard: Hazard,
        source: &'static str,
        caught: Caught,
        firmware: fn(&Usb, bool),
        host: fn(Host) -> Script,
    ) -> Self {
        let (config, prepare, firmware) = (usbd, nrf52840::configured, Firmware::Usb(firmware));
        Self { name, hazard, source, caught, config, prepare, firmware, under_loom: None, host }
    }

    /// The same, on another system: it is told whether it is for the broken program.
    const fn on(self, config: fn(bool) -> Config) -> Self {
        Self { config, ..self }
    }

    /// And loom is asked as well, which knows nothing of vector clocks.
    const fn with_loom(self, firmware: fn(&stm32f103::Hand<model::Bus>, bool)) -> Self {
        Self { under_loom: Some(firmware), ..self }
    }

    /// What it is called in its source: `c016`.
    pub fn id(&self) -> &'static str {
        id_of(self.name)
    }

    /// What goes wrong, in words.
    pub fn title(&self) -> String {
        title_of(self.name)
    }

    /// The chip that it is shown on.
    pub fn chip(&self) -> Chip {
        match self.firmware {
            Firmware::Serial(_) => Chip::Stm32f103,
            Firmware::Usb(_) => Chip::Nrf52840,
        }
    }

    /// Who notices: loom, too, where it is asked.
    pub fn found_by(&self) -> Vec<Detector> {
        let loom = self.under_loom.map(|_| Detector::Loom);
        [self.caught.detector()].into_iter().chain(loom).collect()
    }

    /// Explores both programs on every schedule; and under loom, where it is asked.
    pub fn judge(&self) -> Judged {
        let [broken, right] = [true, false].map(|is_broken| self.attempt(is_broken));
        let loom =
            self.under_loom.map(|_| [broken, right].map(|attempt| model::check(&attempt, model::Limits::default())));
        Judged { case: *self, broken: broken.explore(), right: right.explore(), loom }
    }

    /// The broken program, or the right one.
    pub fn attempt(&self, is_broken: bool) -> Attempt {
        Attempt { case: *self, is_broken, only: None }
    }
}

/// What became of a case.
///
/// See [`Case`] for an example.
#[derive(Debug)]
pub struct Judged {
    /// The case.
    pub case: Case,
    /// What was found in the broken program.
    pub broken: Exploration,
    /// What was found in the right one.
    pub right: Exploration,
    /// What loom says of the broken one and of the right one, where it is asked.
    pub loom: Option<[Verdict; 2]>,
}

impl Judged {
    /// Whether the broken program is caught for the reason that its case names.
    pub fn is_caught(&self) -> bool {
        let by_loom = self.loom.as_ref().is_none_or(|[broken, _]| self.case.caught.is(broken));
        self.case.caught.is(&self.broken.verdict) && by_loom
    }

    /// Whether the right program is sound on every schedule: some came to their end, and none was left out.
    pub fn is_clean(&self) -> bool {
        let is_sound = matches!(self.right.verdict, Verdict::Sound { complete: 1.., .. });
        let by_loom = self.loom.as_ref().is_none_or(|[_, right]| matches!(right, Verdict::Sound { complete: 1.., .. }));
        is_sound && self.right.unexplored.is_nothing() && by_loom
    }

    /// Whether it is both.
    pub fn is_as_expected(&self) -> bool {
        self.is_caught() && self.is_clean()
    }
}

fn id_of(name: &'static str) -> &'static str {
    name.split_once('_').map_or(name, |(id, _)| id)
}

fn title_of(name: &str) -> String {
    name.split_once('_').map_or(name, |(_, title)| title).replace('_', " ")
}

/// An STM32F103 with 16 bytes of simulated RAM: what is behind them belongs to nobody.
fn usart(_is_broken: bool) -> Config {
    Config { chip: Chip::Stm32f103, ram: 16, ..Config::default() }
}

/// An nRF52840 without errata, with 128 bytes.
fn usbd(_is_broken: bool) -> Config {
    Config { options: Options::ideal(), ram: 128, ..Config::default() }
}

/// Cases that belong together.
///
/// See [`Case`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// As in the list: `C.2`; or `specimens`.
    pub number: &'static str,
    /// What they have in common.
    pub title: &'static str,
    /// The cases.
    pub cases: &'static [Case],
}

/// All sections.
pub const SECTIONS: &[Section] = &[
    Section { number: "specimens", title: "unsound APIs, stage by stage", cases: specimens::CASES },
    Section { number: "C.1", title: "leaks, and lifetimes of borrowed buffers", cases: leak::CASES },
    Section { number: "C.2", title: "early drop, cancellation, error paths", cases: early_drop::CASES },
    Section { number: "C.3", title: "wrong or moving address", cases: address::CASES },
    Section { number: "C.4", title: "fences and ordering", cases: fences::CASES },
    Section { number: "C.5", title: "aliasing", cases: aliasing::CASES },
    Section { number: "C.6", title: "double start, shared channels and buffers", cases: sharing::CASES },
    Section { number: "C.7", title: "lengths and units", cases: lengths::CASES },
    Section { number: "C.8", title: "stop, drain, completion", cases: stopping::CASES },
    Section { number: "C.9", title: "memory region and alignment", cases: regions::CASES },
    Section { number: "C.9, caches", title: "a data cache in between", cases: caches::CASES },
    Section { number: "C.10", title: "circular and double buffers", cases: circular::CASES },
    Section { number: "C.12", title: "initialisation and validity", cases: validity::CASES },
];

/// All cases.
///
/// See [`Case`] for an example.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    SECTIONS.iter().flat_map(|section| section.cases)
}
