//! The USB core's registers: before READY, in low power, during a transfer.

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::{Options, OutOfReach, Packet, Token};
use sim_core::explore::Board;
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{
    FIRST, Hand, ONES, TWOS, asked, configured, expect, nothing, streaming, suspended, write,
};

/// Connects before it powers up.
#[derive(Debug)]
pub struct PullsUpBeforeEnable;

impl Mutant for PullsUpBeforeEnable {
    fn prepare(&self, _: &mut Soc) {}

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if wrong {
            hand.write(map::usbpullup(), 1);
        }
        hand.write(map::enable(), 1);
        hand.wait_for_ready();
        if !wrong {
            hand.write(map::usbpullup(), 1);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.reset().await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("no device has connected")
    }
}

/// Connects while the controller powers up.
#[derive(Debug)]
pub struct PullsUpBeforeReady;

impl Mutant for PullsUpBeforeReady {
    fn prepare(&self, _: &mut Soc) {}

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write(map::enable(), 1);
        if !wrong {
            hand.wait_for_ready();
        }
        hand.write(map::usbpullup(), 1);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.reset().await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("no device has connected")
    }
}

/// Looks at a request when the controller is off.
#[derive(Debug)]
pub struct ReadsAfterPowerDown;

impl Mutant for ReadsAfterPowerDown {
    fn prepare(&self, soc: &mut Soc) {
        asked(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let request_type = || hand.read(map::bmrequesttype());
        let early = if wrong { None } else { Some(request_type()) };
        hand.write(map::enable(), 0);
        assert_eq!(early.unwrap_or_else(request_type), 0x80, "the request is another");
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the request is another")
    }
}

/// Has seen the resume, and sends before it has left low power.
#[derive(Debug)]
pub struct StartsAsleep;

impl Mutant for StartsAsleep {
    fn prepare(&self, soc: &mut Soc) {
        suspended(soc);
        write(soc, &[(map::lowpower(), 1)]);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait(map::events_usbevent());
        if !wrong {
            hand.write(map::lowpower(), 0);
            while !map::eventcause::USBWUALLOWED.is_set(hand.read(map::eventcause())) {}
        }
        hand.start_in(1, FIRST, 8);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.resume().await?;
            host.settle().await?;
            expect(&host.bulk_in(1, 8).await?, &ONES)
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("the driver polls EVENTS_ENDEPIN[1]")
    }
}

/// Asks for its address in low power.
#[derive(Debug)]
pub struct ReadsAsleep;

impl Mutant for ReadsAsleep {
    fn prepare(&self, soc: &mut Soc) {
        suspended(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if !wrong {
            hand.read(map::usbaddr());
        }
        hand.write(map::lowpower(), 1);
        if wrong {
            hand.read(map::usbaddr());
        }
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Asks how long a packet is while another is copied (TinyUSB issue #1474).
#[derive(Debug)]
pub struct ReadsSize(pub OutOfReach);

impl Mutant for ReadsSize {
    fn options(&self) -> Options {
        Options { out_of_reach: self.0, ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        configured(soc);
        soc.transaction(0, 1, Token::Out { data1: false, packet: Packet::new(&TWOS) });
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(1));
        }
        assert_eq!(hand.read(map::size_epout(1)), 8, "the packet has another length");
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the packet has another length")
    }
}

/// The same of an isochronous packet.
#[derive(Debug)]
pub struct ReadsIsochronousSize;

impl Mutant for ReadsIsochronousSize {
    fn prepare(&self, soc: &mut Soc) {
        streaming(soc);
        soc.iso_out(0, &TWOS, true);
        soc.start_of_frame(1);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(1));
        }
        assert_eq!(hand.read(map::size_isoout()), 8, "the packet has another length");
    }

    fn host(&self, _: Host) -> Script {
        nothing()
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the packet has another length")
    }
}

/// Halts an endpoint while a packet is copied to another.
#[derive(Debug)]
pub struct StallsInTransfer;

impl Mutant for StallsInTransfer {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(2, FIRST, 8);
        if !wrong {
            hand.wait(map::events_endepin(2));
        }
        hand.write(map::epstall(), map::epstall::EP.put(1) | map::epstall::IO.mask() | map::epstall::STALL.mask());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            match host.bulk_in(1, 8).await {
                Err(HostError::Stalled { .. }) => Ok(()),
                other => expect(&other?, &[]),
            }
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("IN at address 0, endpoint 1, was answered with NAK")
    }
}
