//! What the controller lives on: VBUS, the USB regulator, the crystal.
//!
//! `tests/power` has the same mistakes, and others, around the driver of POWER and CLOCK.

use dma_api::nrf52840::power::{PowerClock, map as power_map};
use dma_api::nrf52840::usbd::map;
use dma_api::registers::Registers;
use dma_api::table::Field;
use dma_api::usb::Setup;
use sim_core::device::usbd::{Options, Supply};
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::Hand;

/// What a power-up does not wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// VBUS, before ENABLE=1.
    Vbus,
    /// The regulator, before USBPULLUP=1.
    Regulator,
    /// The crystal, which it does not even start.
    Crystal,
}

impl Mutant for Without {
    fn options(&self) -> Options {
        Options { supply: Supply::Modelled, ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        if *self == Self::Vbus {
            soc.plug(false);
        }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let leaves_out = |what| wrong && *self == what;
        let power = hand.0.block::<PowerClock>();
        let wait = |offset, field: Field| while !field.is_set(power.read(offset)) {};
        if !leaves_out(Self::Vbus) {
            wait(power_map::usbregstatus(), power_map::usbregstatus::VBUSDETECT);
        }
        hand.write(map::enable(), 1);
        hand.wait_for_ready();
        if !leaves_out(Self::Crystal) {
            // SAFETY:
            // - The write starts no transfer: no register of POWER and CLOCK does.
            unsafe { power.write(power_map::tasks_hfclkstart(), 1) };
            wait(power_map::hfclkstat(), power_map::hfclkstat::SRC);
        }
        if !leaves_out(Self::Regulator) {
            wait(power_map::usbregstatus(), power_map::usbregstatus::OUTPUTRDY);
        }
        hand.write(map::usbpullup(), 1);
    }

    fn host(&self, mut host: Host) -> Script {
        let plugs_in = *self == Self::Vbus;
        Box::pin(async move {
            if plugs_in {
                host.connect().await?;
            }
            host.reset().await?;
            // The hardware acknowledges it, if it can.
            host.setup(Setup::get_device_descriptor(8)).await
        })
    }

    /// VBUS and the regulator come all the same, a little later. The crystal does not.
    fn on_silicon(&self) -> OnSilicon {
        match self {
            Self::Vbus | Self::Regulator => OnSilicon::Works,
            Self::Crystal => OnSilicon::Fails("no answer to SETUP at address 0, endpoint 0: 3 tries"),
        }
    }
}
