//! Isochronous packets to the host.

use dma_api::nrf52840::usbd::{Endpoints, Engine, Share, WithoutData, map};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Fault, Host, HostError, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};

use super::stream::{accept, begin, config, configure, expect_every_schedule, expect_many_schedules, memory};
use crate::configured::end;

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// It sends as soon as the packet before is out of RAM.
    BelievesEnd,
    /// It takes a packet for one of the frame in which it was started, and not of the one in which it ended.
    BelievesStart,
}

/// Packets to the host, one a frame.
struct ToHost {
    packets: u8,
    length: usize,
    /// Frames that begin whenever the scheduler likes. Those after them wait until the device has done all that it can.
    hasty: u32,
    /// What happens to the packet of this number.
    fault: Option<(u8, Fault)>,
    mutant: Mutant,
    fences: Fences,
}

impl ToHost {
    const ONE: Self = Self {
        packets: 1,
        length: 8,
        hasty: 0,
        fault: None,
        mutant: Mutant::None,
        fences: Fences { machine: Machine::CortexM4, start: Strength::Compiler, end: Strength::Compiler },
    };

    /// Sends packets without bytes, by raw registers.
    fn send_wrongly<B: Board>(&self, board: &B) {
        for _ in 0..self.packets {
            let frame = board.read(map::framecntr());
            // SAFETY:
            // - This write, and the next two, start no transfer.
            unsafe { board.write(map::isoin_maxcnt(), 0) };
            // SAFETY:
            // - As above.
            unsafe { board.write(map::events_endisoin(), 0) };
            // SAFETY:
            // - As above.
            unsafe { board.write(map::dmalatch(), map::DMALATCH_RUNNING) };
            // SAFETY:
            // - The transfer is of 0 bytes: it touches no memory.
            unsafe { board.write(map::tasks_startisoin(), 1) };
            while board.read(map::events_endisoin()) == 0 {}
            while self.mutant == Mutant::BelievesStart && board.read(map::framecntr()) == frame {}
        }
    }

    fn send<B: Board>(&self, mut engine: Engine<B>, endpoints: &mut Endpoints) -> Engine<B> {
        let mut buffer = memory::<1024>();
        for number in 0..self.packets {
            while !endpoints.isoin.is_free(&engine) {}
            buffer.fill(number);
            let transfer = endpoints.isoin.send(engine, buffer, self.length).map_err(|refused| refused.kind);
            let ended = transfer.expect("a frame has begun since the packet before").wait();
            (engine, buffer) = (ended.engine, ended.buffer);
            assert!(self.hasty > 0 || ended.length == Ok(self.length), "no frame has begun meanwhile");
        }
        engine
    }
}

impl Program for ToHost {
    fn name(&self) -> String {
        let Self { packets, length, hasty, fault, mutant, .. } = self;
        format!("to-host:{packets}x{length}:{hasty}:{fault:?}:{mutant:?}").replace(' ', "")
    }

    fn config(&self) -> Config {
        config(self.fences)
    }

    fn prepare(&self, soc: &mut Soc) {
        configure(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(&board);
        endpoints.isoin.open(&mut engine, Share::Whole, WithoutData::Silence).expect("the other direction is closed");
        accept(&mut engine, &mut endpoints);
        let engine = if self.mutant == Mutant::None {
            self.send(engine, &mut endpoints)
        } else {
            self.send_wrongly(&board);
            engine
        };
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { packets, length, hasty, fault, .. } = *self;
        Box::pin(async move {
            host.packet_in(true).await?;
            let mut next = 0;
            // As many as a device on real threads may need, on a machine that has other things to do.
            for frame in 0..hasty + 200 * u32::from(packets) {
                if frame >= hasty {
                    host.settle().await?;
                    host.wait_frames(1).await?;
                }
                if let Some((_, fault)) = fault.filter(|&(number, _)| number == next) {
                    host.with_fault(fault);
                }
                match host.isochronous_in().await? {
                    Some(packet) if packet == vec![next; length] => next += 1,
                    // The packet is gone; the next comes in the next frame.
                    None if fault.is_some_and(|(number, _)| number == next) => next += 1,
                    None => {}
                    Some(packet) => return unexpected(format!("packet {next} is {packet:?}")),
                }
                if next == packets {
                    return Ok(());
                }
            }
            unexpected(format!("packet {next} did not come"))
        })
    }
}

fn unexpected(what: String) -> Result<(), HostError> {
    Err(HostError::Unexpected(what))
}

/// Bounds: 8 bytes a packet, so two beats; up to 3 frames that begin at any moment.
#[test]
fn in_packets_are_sound_on_every_schedule() {
    for (packets, hasty) in [(1, 0), (2, 0), (1, 2), (2, 3)] {
        expect_every_schedule(&ToHost { packets, hasty, ..ToHost::ONE }, Kind::Sound);
    }
}

#[test]
fn long_in_packets_are_sound_on_many_schedules() {
    expect_many_schedules(&ToHost { packets: 10, length: 1020, hasty: 5, ..ToHost::ONE }, Kind::Sound);
}

#[test]
fn weak_fences_of_in_packets_are_races() {
    for fences in Fences::all() {
        // The end fence orders the next packet's bytes after the DMA has read those of the one before.
        let program = ToHost { packets: 2, fences, ..ToHost::ONE };
        expect_every_schedule(&program, if fences.suffice() { Kind::Sound } else { Kind::Race });
    }
}

#[test]
fn start_that_believes_end_overwrites_the_packet_of_its_frame() {
    let program = ToHost { packets: 2, mutant: Mutant::BelievesEnd, ..ToHost::ONE };
    expect_every_schedule(&program, Kind::Violation(Rule::StartWhileArmed));
}

#[test]
fn start_that_believes_start_overwrites_a_packet_that_a_frame_has_caught() {
    let program = ToHost { packets: 2, length: 0, mutant: Mutant::BelievesStart, ..ToHost::ONE };
    expect_every_schedule(&program, Kind::Sound);
    expect_every_schedule(&ToHost { hasty: 2, ..program }, Kind::Violation(Rule::StartWhileArmed));
}

#[test]
fn in_packet_that_is_lost_or_corrupted_is_not_sent_again() {
    for fault in [Fault::LostToken, Fault::CorruptedPacket] {
        expect_every_schedule(&ToHost { packets: 3, fault: Some((1, fault)), ..ToHost::ONE }, Kind::Sound);
    }
}

/// A host that asks where there is no packet, and what it is to get.
struct Asked {
    without_data: WithoutData,
    expected: Option<Vec<u8>>,
}

impl Program for Asked {
    fn name(&self) -> String {
        format!("asked:{:?}:{}", self.without_data, self.expected.is_some())
    }

    fn config(&self) -> Config {
        config(Fences::default())
    }

    fn prepare(&self, soc: &mut Soc) {
        configure(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(&board);
        endpoints.isoin.open(&mut engine, Share::Half, self.without_data).expect("the other direction is closed");
        accept(&mut engine, &mut endpoints);
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let expected = self.expected.clone();
        Box::pin(async move {
            host.packet_in(true).await?;
            let packet = host.isochronous_in().await?;
            if packet == expected { Ok(()) } else { unexpected(format!("{packet:?} came")) }
        })
    }
}

#[test]
fn host_that_asks_without_data_gets_what_was_chosen() {
    for (without_data, expected) in [(WithoutData::Silence, None), (WithoutData::ZeroLength, Some(vec![]))] {
        expect_every_schedule(&Asked { without_data, expected: expected.clone() }, Kind::Sound);
        let expected = if expected.is_none() { Some(vec![]) } else { None };
        expect_every_schedule(&Asked { without_data, expected }, Kind::Assertion);
    }
}
