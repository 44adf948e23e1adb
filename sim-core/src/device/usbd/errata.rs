//! The errata of each revision of the silicon, and the registers outside of this block that their workarounds poke.
//!
//! | erratum | without its workaround | the workaround |
//! |---|---|---|
//! | 104 | every second START and EPDATA is lost | start until STARTED; read the core's IN07IRQ and OUT07IRQ |
//! | 154 | the status stage is acknowledged without EP0STATUS, stalled or not | none |
//! | 166 | isochronous packets have one buffer instead of two | COREDATA 0x40 at COREINDEX 0x7E3 |
//! | 171 | READY never comes, nor USBWUALLOWED on a suspended bus | 0xC0 at 0x4006EC14 |
//! | 187 | READY never comes | 3 at 0x4006ED14 |
//! | 199 | START is lost, or what the host sends while a transfer runs | DMALATCH 0x82 from before START to after END |
//! | 200 | a write to SIZE.EPOUT is lost | COREDATA 0 at COREINDEX 0x7C5 + 2 n |
//! | 211 | a suspended device does not see that SOFs come again | 3 at 0x4006ED14 |
//!
//! "Sometimes" is "always" here, and for 104 "every second time": a workaround that is missing is to be seen. The
//! registers at 0x4006E000 are in no document; that 0x9375 at 0x4006EC00 opens and closes them is concluded from what
//! drivers do.

use super::*;

/// A revision of the silicon, by the code that the chip has at 0x1000_0134.
///
/// See [`Errata`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u8);

impl Revision {
    /// Engineering A.
    pub const ENGINEERING_A: Self = Self(0);
    /// Engineering B.
    pub const ENGINEERING_B: Self = Self(1);
    /// The newest one that Nordic's MDK knows. Production silicon has code 2 and above.
    pub const NEWEST: Self = Self(5);
}

/// Writes the errata and [`Erratum::ALL`] from one list.
macro_rules! errata {
    ($($(#[$doc:meta])* $Erratum:ident $codes:pat,)*) => {
        /// An erratum, by Nordic's number.
        ///
        /// See [`Errata`] for an example.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Erratum { $( $(#[$doc])* $Erratum, )* }

        impl Erratum {
            /// All that are modelled.
            pub const ALL: &[Self] = &[$(Self::$Erratum),*];

            /// Whether silicon of this revision has it (Nordic MDK, `nrf52_erratas.h`).
            pub fn applies_to(self, revision: Revision) -> bool {
                match self {
                    $(Self::$Erratum => matches!(revision.0, $codes),)*
                }
            }
        }
    };
}

errata! {
    /// EPDATA is not always raised, and tasks are lost.
    E104 0,
    /// The status stage is acknowledged without EP0STATUS.
    E154 0,
    /// Double buffering of isochronous endpoints does not work.
    E166 _,
    /// The USBD may not reach its active state.
    E171 _,
    /// The USB cannot be enabled.
    E187 1..,
    /// The USBD cannot receive tasks while a transfer runs.
    E199 _,
    /// SIZE.EPOUT is not writable.
    E200 0,
    /// The device stays suspended for too long.
    E211 1..,
}

/// A set of errata.
///
/// ```
/// # use sim_core::device::usbd::{Errata, Erratum, Revision};
/// let newest = Errata::of(Revision::NEWEST);
/// assert!(newest.has(Erratum::E199) && !newest.has(Erratum::E154), "that was in engineering samples");
/// assert!(!newest.without(Erratum::E199).has(Erratum::E199));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Errata(u16);

impl Errata {
    /// No errata: silicon that does not exist, for drivers that do no workarounds.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Those of a revision.
    pub fn of(revision: Revision) -> Self {
        let all = Erratum::ALL.iter().filter(|erratum| erratum.applies_to(revision));
        all.fold(Self::none(), |errata, &erratum| errata.with(erratum))
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, erratum: Erratum) -> Self {
        Self(self.0 | 1 << erratum as u16)
    }

    /// These but for one.
    #[must_use]
    pub const fn without(self, erratum: Erratum) -> Self {
        Self(self.0 & !(1 << erratum as u16))
    }

    /// Whether `erratum` is one of these.
    pub const fn has(self, erratum: Erratum) -> bool {
        self.0 & 1 << erratum as u16 != 0
    }
}

/// The registers at 0x4006E000: they keep what they hold while the USBD is off.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Outside {
    open: bool,
    ec14: u32,
    ed14: u32,
}

impl Usbd {
    /// Reads a register outside of this block, by its address: one that a workaround uses. `None`: it is none of those.
    pub fn peek(&self, address: u32) -> Option<u32> {
        match address {
            map::WORKAROUND_KEY => Some(self.outside.open.into()),
            map::WORKAROUND_171 => Some(self.outside.ec14),
            map::WORKAROUND_187 => Some(self.outside.ed14),
            _ => None,
        }
    }

    /// Writes a register outside of this block, by its address. Nothing happens if it is none that a workaround uses.
    pub fn poke(&mut self, address: u32, value: u32) {
        let open = self.outside.open;
        match address {
            map::WORKAROUND_KEY if value == map::WORKAROUND_KEY_TOGGLES => self.outside.open = !open,
            map::WORKAROUND_171 if open => self.outside.ec14 = value,
            map::WORKAROUND_187 if open => self.outside.ed14 = value,
            _ => {}
        }
    }

    pub(super) fn has(&self, erratum: Erratum) -> bool {
        self.options.errata.has(erratum)
    }

    /// Whether the silicon has `erratum`, and nobody does about it what is to be done.
    pub(super) fn suffers_from(&self, erratum: Erratum) -> bool {
        let avoided = match erratum {
            Erratum::E166 => self.coreiso == map::CORE_ISO_DOUBLE_BUFFERED,
            Erratum::E171 => self.outside.ec14 == 0xC0,
            Erratum::E187 | Erratum::E211 => self.outside.ed14 == 3,
            Erratum::E199 => self.dmalatch == map::DMALATCH_RUNNING,
            Erratum::E104 | Erratum::E154 | Erratum::E200 => false,
        };
        self.has(erratum) && !avoided
    }

    /// Erratum 104: whether this START, or this EPDATA, is one that is lost.
    pub(super) fn loses(&mut self, what: Lossy) -> bool {
        if !self.has(Erratum::E104) {
            return false;
        }
        let lost = match what {
            Lossy::Start => &mut self.loses_start,
            Lossy::Epdata => &mut self.loses_epdata,
        };
        *lost = !*lost;
        *lost
    }

    /// DMALATCH.
    pub(super) fn on_dmalatch(&mut self, value: u32) {
        self.dmalatch = value;
        self.report(rules::check_latch_kept(self));
    }

    /// Erratum 199, as TinyUSB 90f9aa9c7 describes it: the core is deaf while a transfer runs.
    pub(super) fn is_deaf(&self) -> bool {
        let chosen = self.options.erratum_199 == Erratum199::TokensLost;
        chosen && self.job.is_some() && self.suffers_from(Erratum::E199)
    }
}

/// What erratum 104 loses every second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lossy {
    Start,
    Epdata,
}
