//! One engine: what may not be asked of it while a transfer runs.

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::{Options, Packet, SecondStart as Outcome, Token};
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, ONES, SECOND, TWOS, asked, configured, expect, given, streaming};

/// The second transfer, of which the driver thinks that endpoints have engines of their own.
#[derive(Clone, Copy, Debug)]
pub enum Second {
    In,
    Out,
    Isochronous,
}

/// Starts another transfer without waiting for END.
#[derive(Debug)]
pub struct SecondStart(pub Second, pub Outcome);

impl Mutant for SecondStart {
    fn options(&self) -> Options {
        Options { second_start: self.1, ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        match self.0 {
            Second::In => configured(soc),
            Second::Out => {
                configured(soc);
                soc.transaction(0, 1, Token::Out { data1: false, packet: Packet::new(&TWOS) });
            }
            Second::Isochronous => streaming(soc),
        }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let ends = [map::events_endepin(1), self.end()];
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(ends[0]);
        }
        match self.0 {
            Second::In => hand.start_in(2, SECOND, 8),
            Second::Out => hand.start_out(1, SECOND, 8),
            Second::Isochronous => hand.start_isoin(SECOND, 8),
        }
        if wrong {
            hand.wait(ends[0]);
        }
        // A host that got corrupted bytes has nothing to say about a second transfer that never runs.
        if !(wrong && self.1 == Outcome::Corrupts) {
            hand.wait(ends[1]);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 64).await?, &ONES) })
    }

    fn on_silicon(&self) -> OnSilicon {
        match (self.1, self.0) {
            (Outcome::Corrupts, _) => OnSilicon::Fails("came where [1, 1, 1, 1, 1, 1, 1, 1] was due"),
            (Outcome::Replaces, _) => OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[1]"),
            (Outcome::Dropped, Second::In) => OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[2]"),
            (Outcome::Dropped, Second::Out) => OnSilicon::Hangs("the driver polls EVENTS_ENDEPOUT[1]"),
            (Outcome::Dropped, Second::Isochronous) => OnSilicon::Hangs("the driver polls EVENTS_ENDISOIN"),
        }
    }
}

impl SecondStart {
    fn end(&self) -> u16 {
        match self.0 {
            Second::In => map::events_endepin(2),
            Second::Out => map::events_endepout(1),
            Second::Isochronous => map::events_endisoin(),
        }
    }
}

/// Permits the status stage of a control read while its last packet is copied.
#[derive(Debug)]
pub struct StatusWhileBusy;

impl Mutant for StatusWhileBusy {
    fn prepare(&self, soc: &mut Soc) {
        asked(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(0, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(0));
        }
        hand.write(map::tasks_ep0status(), 1);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            expect(host.packet_in(true).await?.bytes(), &ONES)?;
            host.packet_out(true, Packet::EMPTY).await
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("OUT at address 0, endpoint 0, was answered with NAK")
    }
}

/// Permits the next packet of a control write while the one before is copied.
#[derive(Debug)]
pub struct PermissionWhileBusy;

impl Mutant for PermissionWhileBusy {
    fn prepare(&self, soc: &mut Soc) {
        given(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::tasks_ep0rcvout(), 1);
        hand.wait(map::events_ep0datadone());
        hand.start_out(0, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepout(0));
        }
        hand.write(map::tasks_ep0rcvout(), 1);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_out(true, Packet::new(&ONES)).await?;
            host.packet_out(false, Packet::new(&TWOS)).await
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("OUT at address 0, endpoint 0, was answered with NAK")
    }
}
