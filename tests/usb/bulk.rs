//! Bulk packets on every schedule, with fences that suffice and with others.

use dma_api::usb::Setup;
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::Fences;
use sim_core::soc::{Config, Soc};

use super::configured;

/// Packets to endpoint 1 and back from it, on a device that the host has just configured.
pub struct Bulk {
    packets_out: u8,
    packets_in: u8,
}

impl Bulk {
    pub const OUT: Self = Self { packets_out: 1, packets_in: 0 };
    pub const IN: Self = Self { packets_out: 0, packets_in: 1 };
}

impl Program for Bulk {
    fn name(&self) -> String {
        format!("bulk:{}:{}", self.packets_out, self.packets_in)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        configured::prepare(soc, Setup::set_configuration(1));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = configured::begin(board, Setup::set_configuration(1));
        endpoints.epin[0].open(&mut engine);
        endpoints.epout[0].open(&mut engine);
        endpoints.control.accept(&mut engine).expect("nothing is on its way");
        for number in 0..self.packets_out {
            while endpoints.epout[0].received(&engine).is_none() {}
            let mut bytes = [0xFF; 64];
            let length = endpoints.epout[0].read(&mut engine, &mut bytes).expect("a packet waits");
            assert_eq!(bytes[..length], [number; 8], "packet {number}");
        }
        for number in 0..self.packets_in {
            while !endpoints.epin[0].is_sent(&engine) {}
            endpoints.epin[0].write(&mut engine, &[number; 8]).expect("the host has taken the packet before");
        }
        while !endpoints.epin[0].is_sent(&engine) {}
        configured::end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { packets_out, packets_in, .. } = *self;
        Box::pin(async move {
            host.packet_in(true).await?;
            for number in 0..packets_out {
                host.bulk_out(1, &[number; 8]).await?;
            }
            for number in 0..packets_in {
                let packet = host.bulk_in(1, 64).await?;
                if packet != [number; 8] {
                    return Err(HostError::Unexpected(format!("packet {number} is {packet:?}")));
                }
            }
            Ok(())
        })
    }
}

/// Bounds: 8 bytes a packet, so two beats; no faults on the wire.
#[test]
fn bulk_packets_are_sound_on_every_schedule() {
    for (packets_out, packets_in) in [(1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (1, 1)] {
        let program = Bulk { packets_out, packets_in };
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
    }
}

#[test]
fn weak_fences_of_bulk_packets_are_races() {
    for (packets_out, packets_in) in [(1, 0), (0, 1)] {
        for fences in Fences::all() {
            let program = Bulk { packets_out, packets_in };
            let exploration = stepped::explore(&Weak(program, fences), Limits::default());
            let expected = if fences.suffice() { Kind::Sound } else { Kind::Race };
            assert_eq!(exploration.verdict.kind(), expected, "{fences:?}: {}", exploration.verdict);
        }
    }
}

/// A program, on a machine and with fences of one's choice.
struct Weak(Bulk, Fences);

impl Program for Weak {
    fn name(&self) -> String {
        self.0.name()
    }

    fn config(&self) -> Config {
        Config { fences: self.1, ..self.0.config() }
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        self.0.firmware(board);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}
