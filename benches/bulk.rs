//! Bulk packets of 64 bytes through driver and host.
//!
//! A full-speed bus moves 19 of them in a frame of 1 ms at most (USB 2.0 table 5-9). Firmware on `Engine`, `EpIn` and
//! `EpOut`.

use std::hint::black_box;
use std::panic::Location;
use std::time::Duration;

use dma_api::nrf52840::usbd::{Endpoints, Engine, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::Token;
use sim_core::explore::{Board, Program};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

use crate::{Stopwatch, Timed};

/// Bytes of a packet.
pub const PACKET: usize = map::PACKET_SIZE;

/// What a wire takes for a packet.
pub const ON_WIRE: Duration = Duration::from_nanos(1_000_000 / 19);

/// Which way the packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Host -> endpoint -> DMA -> bounce buffer -> the firmware's buffer.
    Out,
    /// The way back.
    In,
}

/// Packets one way, on a device that the host has just configured.
#[derive(Debug)]
pub struct Bulk {
    way: Way,
    packets: u64,
    stopwatch: Stopwatch,
}

impl Bulk {
    /// So many packets this way.
    pub fn new(way: Way, packets: u64) -> Self {
        Self { way, packets, stopwatch: Stopwatch::default() }
    }
}

impl Timed for Bulk {
    fn stopwatch(&self) -> &Stopwatch {
        &self.stopwatch
    }
}

impl Program for Bulk {
    fn name(&self) -> String {
        "bulk".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        let line = Location::caller();
        connect(soc);
        soc.bus_reset();
        soc.cpu_write(map::events_usbreset(), 0, line);
        soc.transaction(0, 0, Token::Setup(Setup::set_configuration(1).to_bytes()));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        endpoints.control.next_event(&mut engine);
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..], .. } = &mut endpoints;
        epin.open(&mut engine);
        epout.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        let mut bytes = [7; PACKET];
        self.stopwatch.measure(|| {
            for _ in 0..self.packets {
                match self.way {
                    Way::Out => {
                        while epout.received(&engine).is_none() {}
                        epout.read(&mut engine, black_box(&mut bytes)).expect("a packet waits");
                    }
                    Way::In => {
                        while !epin.is_sent(&engine) {}
                        epin.write(&mut engine, black_box(&bytes)).expect("the host has the packet before");
                    }
                }
            }
            while !epin.is_sent(&engine) {}
        });
        let (_, buffer) = engine.into_parts(endpoints);
        statics::give_back(buffer);
    }

    fn host(&self, mut host: Host) -> Script {
        let (way, packets) = (self.way, self.packets);
        Box::pin(async move {
            host.packet_in(true).await?;
            for _ in 0..packets {
                match way {
                    Way::Out => host.bulk_out(1, &[7; PACKET]).await?,
                    Way::In => assert_eq!(host.bulk_in(1, PACKET).await?, [7; PACKET]),
                }
            }
            Ok(())
        })
    }
}
