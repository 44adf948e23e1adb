//! Bulk packets of 64 bytes through driver and host, against what a wire carries.
//!
//! A full-speed bus moves 19 packets of 64 bytes in a frame of 1 ms at most: 1.216 MB/s (USB 2.0 table 5-9). Divide
//! what is measured by that. Firmware on `Engine`, `EpIn` and `EpOut`; the stepped explorer, everybody before the CPU.
//!
//! - `usb_bulk/out`: host -> endpoint -> DMA -> bounce buffer -> the firmware's buffer.
//! - `usb_bulk/in`: the way back.
//! - `usb_bulk/memcpy`: what moving the bytes costs.

use std::cell::RefCell;
use std::hint::black_box;
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dma_api::nrf52840::usbd::{Endpoints, Engine, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::Token;
use sim_core::explore::scheduler::Immediate;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

const PACKET: usize = map::PACKET_SIZE;

/// Packets in one run: a run keeps its choices, so many short ones instead of one that keeps millions.
const RUN: u64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

/// Packets one way, on a device that the host has just configured.
struct Bulk {
    way: Way,
    packets: u64,
    time: Mutex<Duration>,
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
        let started = Instant::now();
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
        *self.time.lock().unwrap_or_else(PoisonError::into_inner) += started.elapsed();
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

fn packets(way: Way, mut count: u64) -> Duration {
    let mut time = Duration::ZERO;
    while count > 0 {
        let program = Bulk { way, packets: count.min(RUN), time: Mutex::default() };
        count -= program.packets;
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
        time += program.time.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    time
}

fn usb_bulk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("usb_bulk");
    group.throughput(Throughput::BytesDecimal(PACKET as u64));
    group.bench_function("memcpy", |bencher| {
        let (source, mut target) = ([7u8; PACKET], [0u8; PACKET]);
        bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    });
    group.bench_function("out", |bencher| bencher.iter_custom(|count| packets(Way::Out, count)));
    group.bench_function("in", |bencher| bencher.iter_custom(|count| packets(Way::In, count)));
}

criterion_group!(benches, usb_bulk);
criterion_main!(benches);
