//! Bulk packets on every schedule, and two mutants that lose some.

use dma_api::nrf52840::usbd::{Endpoints, Engine, map};
use dma_api::usb::Setup;
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped};
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::Fences;
use sim_core::monitor::{Policy, Rule};
use sim_core::soc::{Config, Soc};

use super::configured;

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// It writes SIZE.EPOUT[1] after END, which has armed the endpoint already.
    ArmsTwice,
    /// It starts an IN packet when the one before is out of RAM, and not when the host has it.
    BelievesEnd,
}

/// Packets to endpoint 1 and back from it, on a device that the host has just configured.
pub struct Bulk {
    packets_out: u8,
    packets_in: u8,
    mutant: Mutant,
    policy: Policy,
}

impl Bulk {
    pub const OUT: Self = Self { packets_out: 1, packets_in: 0, mutant: Mutant::None, policy: Policy::Stop };
    const IN: Self = Self { packets_out: 0, packets_in: 1, ..Self::OUT };

    fn arm_again<B: Board>(&self, board: &B) {
        if self.mutant == Mutant::ArmsTwice {
            // SAFETY:
            // - The write starts no transfer: it lets the endpoint take a packet into memory of its own.
            unsafe { board.write(map::size_epout(1), 0) };
        }
    }

    fn send<B: Board>(&self, engine: &mut Engine<B>, endpoints: &mut Endpoints, board: &B, number: u8) {
        let epin = &mut endpoints.epin[0];
        if self.mutant == Mutant::BelievesEnd && number > 0 {
            // SAFETY:
            // - END was seen, in `write`: the memory that PTR names is not in use. The transfer is of 0 bytes.
            unsafe { board.write(map::epin_maxcnt(1), 0) };
            // SAFETY:
            // - The write starts no transfer.
            unsafe { board.write(map::dmalatch(), map::DMALATCH_RUNNING) };
            // SAFETY:
            // - As above.
            unsafe { board.write(map::tasks_startepin(1), 1) };
            while board.read(map::events_endepin(1)) == 0 {}
            return;
        }
        while !epin.is_sent(engine) {}
        epin.write(engine, &[number; 8]).expect("the host has taken the packet before");
    }
}

impl Program for Bulk {
    fn name(&self) -> String {
        format!("bulk:{}:{}:{:?}", self.packets_out, self.packets_in, self.mutant)
    }

    fn config(&self) -> Config {
        Config { policies: self.policy.into(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        configured::prepare(soc, Setup::set_configuration(1));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = configured::begin(board.clone(), Setup::set_configuration(1));
        endpoints.epin[0].open(&mut engine);
        endpoints.epout[0].open(&mut engine);
        endpoints.control.accept(&mut engine).expect("nothing is on its way");
        for number in 0..self.packets_out {
            while endpoints.epout[0].received(&engine).is_none() {}
            let mut bytes = [0xFF; 64];
            let length = endpoints.epout[0].read(&mut engine, &mut bytes).expect("a packet waits");
            assert_eq!(bytes[..length], [number; 8], "packet {number}");
            self.arm_again(&board);
        }
        for number in 0..self.packets_in {
            self.send(&mut engine, &mut endpoints, &board, number);
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
        let program = Bulk { packets_out, packets_in, ..Bulk::OUT };
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
    }
}

#[test]
fn weak_fences_of_bulk_packets_are_races() {
    for (packets_out, packets_in) in [(1, 0), (0, 1)] {
        for fences in Fences::all() {
            let program = Bulk { packets_out, packets_in, ..Bulk::OUT };
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

#[test]
fn second_arm_is_reported_and_loses_a_packet_on_silicon() {
    let stop = Bulk { packets_out: 3, mutant: Mutant::ArmsTwice, ..Bulk::OUT };
    let verdict = stepped::explore(&stop, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Violation(Rule::ArmedTwice), "{verdict}");

    let silicon = Bulk { policy: Policy::Collect, ..stop };
    let verdict = stepped::explore(&silicon, Limits::default()).verdict;
    let Verdict::Assertion { message, .. } = &verdict else {
        panic!("no schedule loses a packet: {verdict}");
    };
    assert!(message.contains("packet 1") && message.contains("[2, 2, 2, 2, 2, 2, 2, 2]"), "{message}");
}

#[test]
fn start_that_believes_end_overwrites_a_packet() {
    let program = Bulk { packets_in: 2, mutant: Mutant::BelievesEnd, ..Bulk::IN };
    let verdict = stepped::explore(&program, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Violation(Rule::StartWhileArmed), "{verdict}");
}
