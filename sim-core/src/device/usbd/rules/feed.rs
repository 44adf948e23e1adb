//! The rules about coming up before what the controller lives on has.
//!
//! What was lost without the CPU's doing is no mistake: [`Rail::Lost`].

use crate::device::usbd::{Rail, Usbd};
use crate::monitor::{Misuse, Rule};

/// The power-up begins with VBUS (hardware reference 2.3; nrfx, TinyUSB and embassy all wait for it).
pub(in crate::device::usbd) fn check_vbus(chip: &Usbd) -> Option<Misuse> {
    (chip.feed.vbus == Rail::Off).then(|| {
        let what = "ENABLE=1 without VBUS: READY does not come; wait for USBREGSTATUS.VBUSDETECT";
        Misuse::new(Rule::EnableWithoutVbus, what.to_owned())
    })
}

/// The pull-up lives on the USB regulator (nRF5340 PS, USB supply: USBPWRRDY says that it can be enabled).
pub(in crate::device::usbd) fn check_output(chip: &Usbd) -> Option<Misuse> {
    (chip.feed.output == Rail::Off).then(|| {
        let what = "USBPULLUP=1 before the USB regulator has settled: wait for USBREGSTATUS.OUTPUTRDY";
        Misuse::new(Rule::PullUpBeforePowerReady, what.to_owned())
    })
}

/// HFXO may be off while the pull-up is, or the bus is suspended; at any other time it is needed (nRF5340 PS, entering
/// suspend).
pub(in crate::device::usbd) fn check_crystal(chip: &Usbd) -> Option<Misuse> {
    (!chip.feed.crystal).then(|| {
        let what = "USBPULLUP=1 without HFXO: no token is answered; TASKS_HFCLKSTART, and wait for HFCLKSTAT.SRC";
        Misuse::new(Rule::PullUpWithoutClock, what.to_owned())
    })
}
