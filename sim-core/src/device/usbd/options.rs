//! What the datasheet leaves open and what silicon does otherwise, as switches.

use super::{Errata, Revision};

/// What a second START does while a transfer runs. The datasheet only forbids it.
///
/// See [`Options`] for an example.
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
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOnReset {
    /// It does, when it has moved its bytes.
    #[default]
    Fires,
    /// It does not; the engine is idle afterwards.
    Never,
}

/// Which registers are out of reach while a transfer runs.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutOfReach {
    /// All registers of the USB core: those that need READY as well.
    #[default]
    Core,
    /// SIZE.EPOUT and SIZE.ISOOUT only (what TinyUSB observed, issue #1474).
    Sizes,
}

/// What a SETUP does to a permission of EP0RCVOUT that no packet has used.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PermissionOfOut {
    /// It stays, for the next control write (embassy issue #768).
    #[default]
    Outlives,
    /// It ends (EZ-USB: a SETUP clears EP0's OUT BUSY).
    EndsWithSetup,
}

/// What erratum 199 does, on silicon that has it, to a driver without the workaround.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Erratum199 {
    /// START is lost (Nordic's title: the USBD cannot receive tasks).
    #[default]
    StartLost,
    /// Tokens that come while a transfer runs are lost, SETUP included (TinyUSB 90f9aa9c7).
    TokensLost,
}

/// Whether EasyDMA has to be aligned. The nRF5340 PS says so, and no driver does it.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alignment {
    /// Any PTR will do.
    #[default]
    Any,
    /// PTR is to be a multiple of 4, and so is ISOIN.MAXCNT.
    Words,
}

/// What EPOUT\[n\].AMOUNT reads after END.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AmountOfOut {
    /// The bytes that were moved.
    #[default]
    Counted,
    /// 0, whatever was moved (TinyUSB issue #3783).
    Zero,
}

/// What an odd number of bytes, moved since ENABLE=1, does to the transfer after the next ENABLE=1.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OddBytes {
    /// Nothing.
    #[default]
    Harmless,
    /// That transfer goes to an address that does not exist (nrfx `m_dma_odd`, hal_nordic issue #143).
    BreakNextTransfer,
}

/// Whether VBUS, the USB regulator and HFXO take their time.
///
/// See [`Options`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Supply {
    /// VBUS never goes, HFXO always runs, and the regulator settles at once: for a driver that leaves POWER and CLOCK
    /// to somebody else. A pulled cable is an idle bus.
    #[default]
    Always,
    /// They come and go, as [`power`](crate::device::power) says. A pulled cable is one without VBUS.
    Modelled,
}

/// All switches. The default is what most drivers expect, on the newest silicon.
///
/// ```
/// # use sim_core::device::usbd::{EndOnReset, Errata, Options, Revision, SecondStart};
/// let options = Options {
///     second_start: SecondStart::Replaces,
///     errata: Errata::of(Revision::ENGINEERING_A),
///     ..Options::default()
/// };
/// assert_ne!(options, Options::ideal());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// See [`SecondStart`].
    pub second_start: SecondStart,
    /// See [`EndOnReset`].
    pub end_on_reset: EndOnReset,
    /// See [`OutOfReach`].
    pub out_of_reach: OutOfReach,
    /// See [`PermissionOfOut`].
    pub permission_of_out: PermissionOfOut,
    /// The errata of the silicon: [`Errata::none`], or [`Errata::of`] a revision.
    pub errata: Errata,
    /// See [`Erratum199`].
    pub erratum_199: Erratum199,
    /// See [`Alignment`].
    pub alignment: Alignment,
    /// See [`AmountOfOut`].
    pub amount_of_out: AmountOfOut,
    /// See [`OddBytes`].
    pub odd_bytes: OddBytes,
    /// See [`Supply`].
    pub supply: Supply,
}

impl Options {
    /// What most drivers expect, on silicon without errata, which does not exist: for a driver that does no workarounds
    /// yet.
    pub fn ideal() -> Self {
        Self {
            second_start: SecondStart::default(),
            end_on_reset: EndOnReset::default(),
            out_of_reach: OutOfReach::default(),
            permission_of_out: PermissionOfOut::default(),
            errata: Errata::none(),
            erratum_199: Erratum199::default(),
            alignment: Alignment::default(),
            amount_of_out: AmountOfOut::default(),
            odd_bytes: OddBytes::default(),
            supply: Supply::default(),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { errata: Errata::of(Revision::NEWEST), ..Self::ideal() }
    }
}

/// The options of one chip. They never change, so they tell no two states of it apart: nothing is hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed(pub Options);

impl std::ops::Deref for Fixed {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.0
    }
}

impl std::hash::Hash for Fixed {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}
