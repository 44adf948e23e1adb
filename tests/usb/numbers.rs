//! Endpoints 1 to 7, both ways, at once: each has registers, a packet and a toggle of its own.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, map};
use dma_api::usb::Setup;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::soc::{Config, Soc};

use super::configured::{begin, end, prepare};

const CONFIGURE: Setup = Setup::set_configuration(1);

/// A device that sends back, on each endpoint, what comes to it. Its first configuration finds all of them halted.
struct AllSeven;

/// What the device keeps.
struct Device<B> {
    engine: Engine<B>,
    endpoints: Endpoints,
    /// What is to be sent back, by endpoint.
    packets: [Option<Vec<u8>>; 7],
}

impl<B: Board> Device<B> {
    fn configure(&mut self, halted: bool) {
        let Self { engine, endpoints, packets } = self;
        for (epin, epout) in endpoints.epin.iter_mut().zip(&mut endpoints.epout) {
            epin.open(engine);
            epout.open(engine);
            if halted {
                epin.halt(engine, true);
                epout.halt(engine, true);
            }
        }
        packets.fill(None);
        endpoints.control.accept(engine).expect("nothing is on its way");
    }

    fn poll(&mut self) {
        let Self { engine, endpoints, packets } = self;
        let event = endpoints.control.next_event(engine);
        let Endpoints { epin, epout, .. } = endpoints;
        for ((epin, epout), packet) in epin.iter_mut().zip(epout).zip(packets) {
            if packet.is_none() && epout.received(engine).is_some() {
                let mut bytes = [0; map::PACKET_SIZE];
                let length = epout.read(engine, &mut bytes).expect("a packet waits");
                *packet = Some(bytes[..length].to_vec());
            }
            if epin.is_sent(engine)
                && let Some(bytes) = packet.take()
            {
                epin.write(engine, &bytes).expect("the host has the packet before");
            }
        }
        if let Some(event) = event {
            assert_eq!(event, ControlEvent::Setup(CONFIGURE));
            self.configure(false);
        }
    }
}

/// A packet of endpoint `number` has a length of its own, from 0 to 64.
fn packet(number: u8, round: u8) -> Vec<u8> {
    let length = if number == 7 { map::PACKET_SIZE } else { 10 * usize::from(number - 1) };
    vec![16 * round + number; length]
}

async fn expect_all_halted(host: &mut Host) -> Result<(), HostError> {
    for number in 1..=7 {
        for outcome in [host.bulk_out(number, &[0]).await, host.bulk_in(number, 1).await.map(drop)] {
            if !matches!(outcome, Err(HostError::Stalled { .. })) {
                return Err(HostError::Unexpected(format!("endpoint {number} is halted: {outcome:?}")));
            }
        }
    }
    Ok(())
}

impl Program for AllSeven {
    fn name(&self) -> String {
        "all-seven".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare(soc, CONFIGURE);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (engine, endpoints) = begin(board.clone(), CONFIGURE);
        for (index, number) in (1..=7).enumerate() {
            assert_eq!((endpoints.epin[index].number(), endpoints.epout[index].number()), (number, number));
        }
        let mut device = Device { engine, endpoints, packets: [const { None }; 7] };
        device.configure(true);
        while !board.host_is_done() {
            device.poll();
        }
        end(device.engine, device.endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            expect_all_halted(&mut host).await?;
            host.set_configuration(1).await?;
            // Three to each: one is armed, one in the device's memory, one waits. An odd number, for the toggles.
            // The next configuration is to lose them all.
            for _ in 0..3 {
                for number in 1..=7 {
                    host.bulk_out(number, &packet(number, 1)).await?;
                }
            }
            host.set_configuration(1).await?;
            for round in [2, 3] {
                for number in 1..=7 {
                    host.bulk_out(number, &packet(number, round)).await?;
                }
                for number in (1..=7).rev() {
                    let came = host.bulk_in(number, packet(number, round).len()).await?;
                    if came != packet(number, round) {
                        return Err(HostError::Unexpected(format!("endpoint {number} has sent {came:?}")));
                    }
                }
            }
            Ok(())
        })
    }
}

#[test]
fn all_endpoints_at_once_are_sound_on_many_schedules() {
    let run = stepped::run(&AllSeven, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    for seed in 0..20 {
        let run = stepped::run(&AllSeven, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
    }
    for _ in 0..5 {
        let run = threads::run(&AllSeven, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
    }
}
