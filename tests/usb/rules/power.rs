//! Up, down, asleep, awake: around transfers, and by errata.

use std::panic::Location;

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::{Errata, Erratum, Erratum199, OddBytes, Options};
use sim_core::explore::Board;
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{
    FIRST, Hand, ONES, SECOND, TWOS, enabled, expect, memory, nothing, streaming, suspended, write,
};

/// Switches the controller off while a transfer runs.
#[derive(Debug)]
pub struct PowersDownInTransfer;

impl Mutant for PowersDownInTransfer {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(1));
        }
        hand.write(map::enable(), 0);
        if wrong {
            hand.wait(map::events_endepin(1));
        }
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[1]")
    }
}

/// Switches the controller off and on again after 7 bytes. The twin moves one more before, as nrfx does.
#[derive(Debug)]
pub struct LeavesOddBytes;

impl Mutant for LeavesOddBytes {
    fn options(&self) -> Options {
        Options { odd_bytes: OddBytes::BreakNextTransfer, ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        memory(soc);
        soc.cpu_write(map::enable(), 1, Location::caller());
        soc.power_up_done();
        write(soc, &[(map::eventcause(), map::eventcause::READY.mask())]);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 7);
        hand.wait(map::events_endepin(1));
        if !wrong {
            hand.start_in(0, FIRST, 1);
            hand.wait(map::events_endepin(0));
        }
        hand.write(map::enable(), 0);
        hand.write(map::enable(), 1);
        hand.wait_for_ready();
        hand.write(map::usbpullup(), 1);
        hand.wait(map::events_usbreset());
        hand.write(map::epinen(), 0b11);
        hand.start_in(1, SECOND, 8);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.settle().await?;
            expect(&host.bulk_in(1, 8).await?, &TWOS)
        })
    }

    /// The transfer after the next ENABLE=1 reads where nothing is.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("came where [2, 2, 2, 2, 2, 2, 2, 2] was due")
    }
}

/// Goes into low power while a transfer runs.
#[derive(Debug)]
pub struct SleepsInTransfer;

impl Mutant for SleepsInTransfer {
    fn prepare(&self, soc: &mut Soc) {
        suspended(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(1));
        }
        hand.write(map::lowpower(), 1);
        if wrong {
            hand.wait(map::events_endepin(1));
        }
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[1]")
    }
}

/// Asks for a resume before it is awake.
#[derive(Debug)]
pub struct DrivesAtOnce;

impl Mutant for DrivesAtOnce {
    fn prepare(&self, soc: &mut Soc) {
        suspended(soc);
        write(soc, &[(map::lowpower(), 1)]);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::lowpower(), 0);
        let is_awake = || map::eventcause::USBWUALLOWED.is_set(hand.read(map::eventcause()));
        while !wrong && !is_awake() {}
        hand.write(map::dpdmvalue(), map::DPDMVALUE_RESUME);
        hand.write(map::tasks_dpdmdrive(), 1);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wake_up().await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("no remote wake-up")
    }
}

/// Powers up without the poke of this erratum: 171 or 187.
#[derive(Debug)]
pub struct PowersUpWithout(pub Erratum);

impl Mutant for PowersUpWithout {
    fn options(&self) -> Options {
        Options { errata: Errata::none().with(self.0), ..Options::ideal() }
    }

    fn prepare(&self, _: &mut Soc) {}

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let (address, value) = match self.0 {
            Erratum::E171 => (map::WORKAROUND_171, map::WORKAROUND_171_ON),
            _ => (map::WORKAROUND_187, map::WORKAROUND_187_ON),
        };
        if !wrong {
            let key = (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
            for (address, value) in [key, (address, value), key] {
                // SAFETY:
                // - This is an nRF52840, if an emulated one, and this is how its errata are worked around.
                unsafe { hand.0.poke(address, value) };
            }
        }
        hand.write(map::enable(), 1);
        hand.wait_for_ready();
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("the driver polls EVENTCAUSE")
    }
}

/// Starts a transfer without the latch of erratum 199.
#[derive(Debug)]
pub struct StartsWithoutLatch(pub Erratum199);

impl Mutant for StartsWithoutLatch {
    fn options(&self) -> Options {
        Options { errata: Errata::none().with(Erratum::E199), erratum_199: self.0, ..Options::ideal() }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if !wrong {
            hand.write(map::dmalatch(), map::DMALATCH_RUNNING);
        }
        hand.start_in(1, FIRST, 8);
        hand.wait(map::events_endepin(1));
        hand.write(map::dmalatch(), 0);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
    }

    fn on_silicon(&self) -> OnSilicon {
        match self.0 {
            Erratum199::StartLost => OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[1]"),
            Erratum199::TokensLost => OnSilicon::Fails("no answer to IN at address 0, endpoint 1: 3 tries"),
        }
    }
}

/// Clears the latch of erratum 199 after START, and not after END.
#[derive(Debug)]
pub struct ClearsLatchInTransfer;

impl Mutant for ClearsLatchInTransfer {
    fn options(&self) -> Options {
        StartsWithoutLatch(Erratum199::TokensLost).options()
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::dmalatch(), map::DMALATCH_RUNNING);
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(1));
        }
        hand.write(map::dmalatch(), 0);
    }

    fn host(&self, host: Host) -> Script {
        StartsWithoutLatch(Erratum199::TokensLost).host(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("no answer to IN at address 0, endpoint 1: 3 tries")
    }
}

/// Streams without the poke of erratum 166: a packet for the next frame goes out in this one.
#[derive(Debug)]
pub struct StreamsWithout166;

impl Mutant for StreamsWithout166 {
    fn options(&self) -> Options {
        Options { errata: Errata::none().with(Erratum::E166), ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        streaming(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if !wrong {
            hand.write(map::coreindex(), map::CORE_ISO);
            hand.write(map::coredata(), map::CORE_ISO_DOUBLE_BUFFERED);
        }
        hand.start_isoin(FIRST, 8);
        hand.wait(map::events_endisoin());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.settle().await?;
            match host.isochronous_in().await? {
                Some(_) => Err(HostError::Unexpected("a packet came a frame too early".to_owned())),
                None => Ok(()),
            }
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("a packet came a frame too early")
    }
}

/// Arms an endpoint by SIZE.EPOUT, on silicon with erratum 200.
#[derive(Debug)]
pub struct ArmsWithout200;

impl Mutant for ArmsWithout200 {
    fn options(&self) -> Options {
        Options { errata: Errata::none().with(Erratum::E200), ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        enabled(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if wrong {
            hand.write(map::size_epout(1), 0);
        } else {
            hand.write(map::coreindex(), map::core_outbc(1));
            hand.write(map::coredata(), 0);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.bulk_out(1, &ONES).await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("OUT at address 0, endpoint 1, was answered with NAK")
    }
}
