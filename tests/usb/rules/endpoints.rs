//! What an endpoint holds: started over, started empty, armed over.

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::{Packet, Token};
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, ONES, SECOND, TWOS, asked, configured, expect, given, streaming};

/// Which one.
#[derive(Clone, Copy, Debug)]
pub enum Endpoint {
    /// 0.
    Control,
    /// 1.
    Bulk,
    /// 8.
    Isochronous,
}

/// Sends a packet when the one before is out of RAM, which is not when the host has it.
#[derive(Debug)]
pub struct BelievesEnd(pub Endpoint);

impl BelievesEnd {
    /// Sends eight bytes, and waits for END.
    fn send<B: Board>(&self, hand: &Hand<B>, address: u32) {
        match self.0 {
            Endpoint::Control => {
                hand.start_in(0, address, 8);
                hand.wait(map::events_endepin(0));
            }
            Endpoint::Bulk => {
                hand.start_in(1, address, 8);
                hand.wait(map::events_endepin(1));
            }
            Endpoint::Isochronous => {
                hand.start_isoin(address, 8);
                hand.wait(map::events_endisoin());
            }
        }
    }
}

impl Mutant for BelievesEnd {
    fn prepare(&self, soc: &mut Soc) {
        match self.0 {
            Endpoint::Control => asked(soc),
            Endpoint::Bulk => configured(soc),
            Endpoint::Isochronous => streaming(soc),
        }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        self.send(hand, FIRST);
        if !wrong {
            hand.wait(match self.0 {
                Endpoint::Control => map::events_ep0datadone(),
                Endpoint::Bulk => map::events_epdata(),
                Endpoint::Isochronous => map::events_sof(),
            });
        }
        self.send(hand, SECOND);
    }

    fn host(&self, mut host: Host) -> Script {
        let endpoint = self.0;
        Box::pin(async move {
            match endpoint {
                Endpoint::Control => {
                    expect(host.packet_in(true).await?.bytes(), &ONES)?;
                    expect(host.packet_in(false).await?.bytes(), &TWOS)
                }
                Endpoint::Bulk => {
                    expect(&host.bulk_in(1, 8).await?, &ONES)?;
                    expect(&host.bulk_in(1, 8).await?, &TWOS)
                }
                Endpoint::Isochronous => {
                    host.settle().await?;
                    host.wait_frames(1).await?;
                    expect(&host.isochronous_in().await?.unwrap_or_default(), &ONES)
                }
            }
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("[2, 2, 2, 2, 2, 2, 2, 2] came where [1, 1, 1, 1, 1, 1, 1, 1] was due")
    }
}

/// Moves a packet without looking whether one has come: what it gets is what the endpoint's buffer holds.
#[derive(Debug)]
pub struct DoesNotLook(pub Endpoint);

impl Mutant for DoesNotLook {
    fn prepare(&self, soc: &mut Soc) {
        match self.0 {
            Endpoint::Control => given(soc),
            Endpoint::Bulk => configured(soc),
            Endpoint::Isochronous => streaming(soc),
        }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        match self.0 {
            Endpoint::Control => {
                hand.write(map::tasks_ep0rcvout(), 1);
                if !wrong {
                    hand.wait(map::events_ep0datadone());
                }
                hand.start_out(0, FIRST, 8);
                hand.wait(map::events_endepout(0));
            }
            Endpoint::Bulk => {
                if !wrong {
                    hand.wait(map::events_epdata());
                }
                hand.start_out(1, FIRST, 8);
                hand.wait(map::events_endepout(1));
            }
            Endpoint::Isochronous => {
                hand.wait(map::events_sof());
                // The first frame has brought nothing, yet.
                if !wrong {
                    hand.wait(map::events_sof());
                }
                hand.start_isoout(FIRST, 8);
                hand.wait(map::events_endisoout());
            }
        }
        hand.expect(FIRST, TWOS[0]);
    }

    fn host(&self, mut host: Host) -> Script {
        let endpoint = self.0;
        Box::pin(async move {
            match endpoint {
                Endpoint::Control => host.packet_out(true, Packet::new(&TWOS)).await,
                Endpoint::Bulk => host.bulk_out(1, &TWOS).await,
                Endpoint::Isochronous => {
                    host.wait_frames(1).await?;
                    host.settle().await?;
                    host.isochronous_out(&TWOS).await?;
                    host.wait_frames(1).await
                }
            }
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// Writes SIZE.EPOUT after ENDEPOUT, as published drivers do (nrf-usbd 0.3.0, embassy-nrf 0.11.0): END has armed the
/// endpoint, and a packet that has come since is overwritten by the next.
#[derive(Debug)]
pub struct ArmsAfterEnd;

impl Mutant for ArmsAfterEnd {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        for number in 0..3 {
            hand.wait_for_packet();
            // The packet before was read where this one goes.
            hand.0.release_fence();
            hand.start_out(1, FIRST, 8);
            hand.wait(map::events_endepout(1));
            hand.expect(FIRST, number);
            if wrong {
                hand.write(map::size_epout(1), 0);
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            for number in 0..3 {
                host.bulk_out(1, &[number; 8]).await?;
            }
            Ok(())
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// Arms an endpoint that it believes empty: a packet has come, and the next overwrites it.
#[derive(Debug)]
pub struct ArmsOverAPacket;

impl Mutant for ArmsOverAPacket {
    fn prepare(&self, soc: &mut Soc) {
        configured(soc);
        soc.transaction(0, 1, Token::Out { data1: false, packet: Packet::new(&ONES) });
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if wrong {
            hand.write(map::size_epout(1), 0);
        }
        for packet in [ONES, TWOS] {
            hand.wait_for_packet();
            // The packet before was read where this one goes.
            hand.0.release_fence();
            hand.start_out(1, FIRST, 8);
            hand.wait(map::events_endepout(1));
            hand.expect(FIRST, packet[0]);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            // The first has come already, and its ACK was lost: it is sent again.
            host.bulk_out(1, &ONES).await?;
            host.bulk_out(1, &TWOS).await
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}
