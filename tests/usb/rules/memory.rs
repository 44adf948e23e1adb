//! Where the DMA is sent, and how much it is to move.

use std::fmt;

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::{Alignment, Options};
use sim_core::explore::Board;
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, ONES, SECOND, TWOS, expect, streaming};

/// Sends what is somewhere else than in its buffer: constants in flash, say.
pub struct Points {
    place: &'static str,
    address: u32,
}

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PointsTo({})", self.place)
    }
}

impl Points {
    pub const fn to(place: &'static str, address: u32) -> Self {
        Self { place, address }
    }
}

impl Mutant for Points {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, if wrong { self.address } else { FIRST }, 8);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
    }

    /// A HardFault, or other bytes: here, other bytes.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("came where [1, 1, 1, 1, 1, 1, 1, 1] was due")
    }
}

/// Receives into a constant.
#[derive(Debug)]
pub struct ReceivesIntoFlash;

impl Mutant for ReceivesIntoFlash {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait_for_packet();
        hand.start_out(1, if wrong { 0x0001_0000 } else { FIRST }, 8);
        hand.wait(map::events_endepout(1));
        hand.expect(FIRST, TWOS[0]);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.bulk_out(1, &TWOS).await })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// Sends more than a packet in one transfer. The twin sends it in packets.
#[derive(Debug)]
pub struct Sends {
    pub length: u32,
}

impl Mutant for Sends {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut left = self.length;
        while left > 0 {
            let length = if wrong { left } else { left.min(64) };
            hand.start_in(1, FIRST, length);
            hand.wait(map::events_endepin(1));
            hand.wait(map::events_epdata());
            hand.write(map::epdatastatus(), map::epdatastatus::EPIN1.mask());
            left -= length;
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let length = usize::try_from(self.length).expect("it fits");
        Box::pin(async move {
            let got = host.bulk_in(1, length).await?.len();
            if got == length { Ok(()) } else { Err(HostError::Unexpected(format!("{got} bytes of {length}"))) }
        })
    }

    /// 65 bytes: the first 64 are sent. 128: MAXCNT is 0.
    fn on_silicon(&self) -> OnSilicon {
        match self.length {
            128 => OnSilicon::Fails("0 bytes of 128"),
            _ => OnSilicon::Hangs("IN at address 0, endpoint 1, was answered with NAK"),
        }
    }
}

/// Sends more isochronous bytes than the endpoint's half of the buffer holds, or than MAXCNT can say. The twin sends as
/// many as fit.
#[derive(Debug)]
pub struct Streams {
    pub length: u32,
}

/// Half of the isochronous buffer, in bytes.
const HALF: u32 = 512;

impl Mutant for Streams {
    fn ram(&self) -> usize {
        128 + 1024
    }

    fn prepare(&self, soc: &mut Soc) {
        streaming(soc);
        soc.allocate(1024);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_isoin(SECOND + 64, if wrong { self.length } else { HALF });
        hand.wait(map::events_endisoin());
    }

    fn host(&self, mut host: Host) -> Script {
        let due = usize::try_from(self.length.min(HALF)).expect("it fits");
        Box::pin(async move {
            host.settle().await?;
            host.wait_frames(1).await?;
            let got = host.isochronous_in().await?.map_or(0, |packet| packet.len());
            if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got} bytes, not {due}"))) }
        })
    }

    /// 513 bytes: the first 512 are sent. 1024: MAXCNT is 0.
    fn on_silicon(&self) -> OnSilicon {
        if self.length == 1024 { OnSilicon::Fails("0 bytes, not 512") } else { OnSilicon::Works }
    }
}

/// Sends from an address that is no multiple of 4, on a chip that asks for it.
#[derive(Debug)]
pub struct Ragged {
    pub offset: u32,
    pub length: u32,
}

impl Mutant for Ragged {
    fn options(&self) -> Options {
        Options { alignment: Alignment::Words, ..Options::ideal() }
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST + if wrong { self.offset } else { 0 }, self.length);
        hand.wait(map::events_endepin(1));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
    }

    /// Every driver does it, and it works in the field.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Sends an isochronous packet whose length is no multiple of 4, on the same chip.
#[derive(Debug)]
pub struct RaggedStream {
    pub length: u32,
}

impl Mutant for RaggedStream {
    fn options(&self) -> Options {
        Options { alignment: Alignment::Words, ..Options::ideal() }
    }

    fn prepare(&self, soc: &mut Soc) {
        streaming(soc);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_isoin(FIRST, if wrong { self.length } else { self.length.next_multiple_of(4) });
        hand.wait(map::events_endisoin());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.settle().await?;
            host.wait_frames(1).await?;
            let packet = host.isochronous_in().await?.unwrap_or_default();
            expect(packet.get(..4).unwrap_or_default(), &ONES[..4])
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}
