//! Registers that are misunderstood, and a handler that clears nothing.

use dma_api::nrf52840::usbd::map;
use dma_api::usb::{SET_ADDRESS, Setup};
use sim_core::check::programs::connect;
use sim_core::device::usbd::Token;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, ONES, asked, configured, expect, nothing, write};

/// The isochronous IN endpoint's address: EPSTALL and DTOGGLE have three bits for the 8.
const ADDRESS: u32 = 0x88;

/// A host that takes the first packet of a data stage.
fn takes_data(mut host: Host) -> Script {
    Box::pin(async move { expect(host.packet_in(true).await?.bytes(), &ONES) })
}

/// Halts endpoint 8, and with it endpoint 0 (TinyUSB 7f84fe9bd).
#[derive(Debug)]
pub struct StallsEndpointEight;

impl Mutant for StallsEndpointEight {
    fn prepare(&self, soc: &mut Soc) {
        asked(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if wrong {
            hand.write(map::epstall(), ADDRESS | map::epstall::STALL.mask());
        }
        hand.start_in(0, FIRST, 8);
        hand.wait(map::events_endepin(0));
    }

    fn host(&self, host: Host) -> Script {
        takes_data(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("endpoint 0 answered IN with STALL")
    }
}

/// Starts endpoint 8 with DATA0, and with it endpoint 0.
#[derive(Debug)]
pub struct ForcesEndpointEight;

impl Mutant for ForcesEndpointEight {
    fn prepare(&self, soc: &mut Soc) {
        asked(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if wrong {
            hand.write(map::dtoggle(), ADDRESS);
            hand.write(map::dtoggle(), ADDRESS | map::dtoggle::VALUE.put(map::DTOGGLE_DATA0));
        }
        hand.start_in(0, FIRST, 8);
        hand.wait(map::events_endepin(0));
    }

    fn host(&self, host: Host) -> Script {
        takes_data(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("DATA0 where DATA1 was due")
    }
}

/// Forces a toggle in one write, where it takes two.
#[derive(Debug)]
pub struct ForcesWithoutSelecting;

impl Mutant for ForcesWithoutSelecting {
    /// A packet has gone by, so that DATA1 is next; and the host starts anew.
    fn prepare(&self, soc: &mut Soc) {
        configured(soc);
        write(soc, &[(map::epin_maxcnt(1), 0), (map::tasks_startepin(1), 1)]);
        while soc.engine_is_busy() {
            soc.engine_step();
        }
        soc.transaction(0, 1, Token::In);
        write(soc, &[(map::events_endepin(1), 0), (map::events_epdata(), 0)]);
        write(soc, &[(map::epdatastatus(), map::epdatastatus::EPIN1.mask())]);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let endpoint = map::dtoggle::EP.put(1) | map::dtoggle::IO.mask();
        if !wrong {
            hand.write(map::dtoggle(), endpoint);
        }
        hand.write(map::dtoggle(), endpoint | map::dtoggle::VALUE.put(map::DTOGGLE_DATA0));
        hand.start_in(1, FIRST, 8);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("DATA1 where DATA0 was due")
    }
}

/// Accepts every request without data, SET_ADDRESS included, as embassy-nrf 0.11 does.
#[derive(Debug)]
pub struct AnswersSetAddress;

impl Mutant for AnswersSetAddress {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait(map::events_ep0setup());
        let is_set_address = hand.read(map::brequest()) == u32::from(SET_ADDRESS);
        if wrong || !is_set_address {
            hand.write(map::tasks_ep0status(), 1);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.set_address(5).await?;
            host.setup(Setup::get_device_descriptor(8)).await
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Waits for a reset by BUSSTATE, which was in the description of the first silicon, and is in no other's.
#[derive(Debug)]
pub struct WaitsForBusState;

impl Mutant for WaitsForBusState {
    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let busstate = 0x404;
        while wrong && hand.read(busstate) == 0 {}
        hand.wait(map::events_usbreset());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.reset().await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("the driver polls 0x404")
    }
}

/// Asks the core for its pending interrupts (USBIRQ), as nrfx 1.3 does on the first silicon.
#[derive(Debug)]
pub struct AsksTheCore;

impl Mutant for AsksTheCore {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::coreindex(), if wrong { 0x7AB } else { map::CORE_IN07IRQ });
        hand.read(map::coredata());
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Asks the engine whether it is idle (bit 5 of 0x474), as nrfx 1.3 does on the first silicon. The twin waits for END.
#[derive(Debug)]
pub struct AsksTheEngine;

impl Mutant for AsksTheEngine {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        if wrong {
            hand.read(map::dmastate());
        }
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Handles a start of frame, and does not clear its event.
#[derive(Debug)]
pub struct ClearsNothing;

impl Mutant for ClearsNothing {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::inten(), map::inten::SOF.mask());
        let in_handler = Hand(hand.0.clone());
        let handler = move || {
            if !wrong {
                in_handler.write(map::events_sof(), 0);
            }
        };
        hand.0.with_interrupt(handler, || hand.0.wait_for_interrupt());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(1).await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("returned with EVENTS_SOF set and enabled")
    }
}
