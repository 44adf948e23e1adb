//! Packets sent back to back: what the fences are for.

use std::panic::Location;

use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use dma_api::usb::Setup;

use super::{expect, fences_by_name, firmware, name_of_fences};
use crate::check::counterexample::repair::Repairable;
use crate::device::usbd::Token;
use crate::explore::model::Packets;
use crate::explore::{Board, Program};
use crate::host::{Host, Script};
use crate::machine::{Fences, Place, Strength};
use crate::soc::{Config, Soc};
use crate::statics;

/// Packets sent back to back, each ended before the next is started: what the fences are for.
///
/// See [`Kind`](crate::explore::Kind) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackToBack {
    /// How many packets.
    pub packets: u8,
    /// Bytes in each packet: 1 to 64.
    pub length: u8,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
}

/// Powers the chip up and connects it, with the workarounds that production silicon needs (errata 171 and 187).
///
/// See the [crate](crate#check-a-driver) for an example.
pub fn connect(soc: &mut Soc) {
    let line = Location::caller();
    for (address, value) in [
        (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES),
        (map::WORKAROUND_187, map::WORKAROUND_187_ON),
        (map::WORKAROUND_171, map::WORKAROUND_171_ON),
        (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES),
    ] {
        soc.cpu_poke(address, value, line);
    }
    soc.cpu_write(map::enable(), 1, line);
    soc.power_up_done();
    soc.cpu_write(map::usbpullup(), 1, line);
}

/// Powers the chip up, connects it and lets the host begin a control read of 65 535 bytes, whose SETUP is then taken.
///
/// See the [crate](crate#check-a-driver) for an example.
pub fn begin_control_read(soc: &mut Soc) {
    let line = Location::caller();
    connect(soc);
    soc.bus_reset();
    soc.transaction(0, 0, Token::Setup(Setup::get_device_descriptor(u16::MAX).to_bytes()));
    soc.cpu_write(map::events_usbreset(), 0, line);
    soc.cpu_write(map::events_ep0setup(), 0, line);
}

impl BackToBack {
    pub(super) fn by_name(parameters: &str) -> Option<Self> {
        let (size, fences) = parameters.split_once(':')?;
        let (packets, length) = size.split_once('x')?;
        let fences = fences_by_name(fences)?;
        let (packets, length) = (packets.parse().ok()?, length.parse().ok()?);
        (1..=map::PACKET_SIZE).contains(&usize::from(length)).then_some(Self { packets, length, fences })
    }
}

impl Program for BackToBack {
    fn name(&self) -> String {
        format!("back-to-back:{}x{}:{}", self.packets, self.length, name_of_fences(self.fences))
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board), statics::packet_buffer());
        for packet in 0..self.packets {
            let bytes = [packet; map::PACKET_SIZE];
            ep0in.start(&bytes[..usize::from(self.length)]).expect("the packet before was ended");
            while ep0in.end().is_err() {}
        }
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        let (packets, length) = (self.packets, self.length);
        Box::pin(async move {
            let mut data1 = true;
            for number in 0..packets {
                let packet = host.packet_in(data1).await?;
                expect(packet.bytes(), &vec![number; length.into()])?;
                data1 = !data1;
            }
            Ok(())
        })
    }
}

impl Repairable for BackToBack {
    fn places(&self) -> Vec<(Place, Strength)> {
        self.fences.places()
    }

    fn with_fence(&self, place: Place, strength: Strength) -> Self {
        Self { fences: self.fences.with(place, strength), ..self.clone() }
    }
}

impl Packets for BackToBack {
    fn packets(&self) -> usize {
        self.packets.into()
    }
}
