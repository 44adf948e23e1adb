//! The programs that dmacheck brings along: small firmware on `Ep0In`, and hosts that try it.

use std::panic::Location;

use dma_api::nrf52840::usbd::{Ep0In, Usbd, map};
use dma_api::usb::Setup;

use crate::device::usbd::Token;
use crate::explore::model::Packets;
use crate::explore::{Board, Program};
use crate::host::{Host, Script};
use crate::machine::Fences;
use crate::soc::{Config, Soc};
use crate::statics;

/// Powers the chip up, connects it and lets the host begin a control read of `length` bytes.
pub fn begin_control_read(soc: &mut Soc, length: u16) {
    let line = Location::caller();
    soc.cpu_write(map::enable(), 1, line);
    soc.power_up_done();
    soc.cpu_write(map::usbpullup(), 1, line);
    soc.bus_reset();
    soc.transaction(0, 0, Token::Setup(Setup::get_device_descriptor(length).to_bytes()));
}

/// Packets sent back to back, each ended before the next is started: what the fences are for.
#[derive(Clone, Debug)]
pub struct BackToBack {
    /// How many packets.
    pub packets: u8,
    /// Bytes in each packet.
    pub length: u8,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
}

impl Program for BackToBack {
    fn name(&self) -> String {
        let Fences { machine, start, end } = self.fences;
        format!("back-to-back:{}x{}:{machine}:{start}:{end}", self.packets, self.length)
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc, u16::MAX);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board), statics::ep0_buffer());
        for packet in 0..self.packets {
            let bytes = [packet; map::PACKET_SIZE];
            ep0in.start(&bytes[..usize::from(self.length)]).expect("the packet before was ended");
            while ep0in.end().is_err() {}
        }
        if let Ok((_, buffer)) = ep0in.into_parts() {
            statics::give_back(buffer);
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let packets = self.packets;
        Box::pin(async move {
            let mut data1 = true;
            for number in 0..packets {
                let packet = host.packet_in(data1).await?;
                assert!(packet.bytes().iter().all(|&byte| byte == number), "packet {number} has other bytes");
                data1 = !data1;
            }
            Ok(())
        })
    }
}

impl Packets for BackToBack {
    fn packets(&self) -> usize {
        self.packets.into()
    }
}
