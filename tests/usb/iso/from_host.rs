//! Isochronous packets from the host.

use dma_api::nrf52840::usbd::{Endpoints, Engine, Received, Share, map};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::{Fault, Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::soc::{Config, Soc};

use super::stream::{accept, begin, config, configure, expect_every_schedule, expect_many_schedules, memory};
use crate::configured::end;

/// What the host does in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// It sends a packet of this many bytes, each the number of the frame.
    Sends(usize),
    /// The packet is corrupted on its way.
    Corrupts(usize),
    /// The packet is lost on its way.
    Loses(usize),
    /// It sends nothing.
    Pauses,
}

use Frame::*;

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// It uses the bytes of a transfer that was late.
    UsesLate,
    /// It clears ISOOUTCRC without a look.
    IgnoresCrc,
    /// It takes ISOOUTCRC to be about the packet that it looks at.
    ForgetsSuspicion,
    /// It believes what SIZE.ISOOUT holds before the first frame.
    BelievesReset,
}

/// A host that sends, and a device that keeps what it is told in each frame.
struct FromHost {
    frames: &'static [Frame],
    /// Whether a frame begins whenever the scheduler likes. If not, it begins, and its packet comes, when the
    /// device has done all that it can.
    hasty: bool,
    /// What the device is to be told, if each frame waits for it.
    told: &'static [Received],
    mutant: Mutant,
    fences: Fences,
}

impl FromHost {
    const ONE: Self = Self {
        frames: &[Sends(8)],
        hasty: false,
        told: &[Received::Packet(8)],
        mutant: Mutant::None,
        fences: Fences { machine: Machine::CortexM4, start: Strength::Compiler, end: Strength::Compiler },
    };

    fn receive<B: Board>(&self, mut engine: Engine<B>, endpoints: &mut Endpoints, board: &B) -> Engine<B> {
        let mut buffer = memory::<1024>();
        let (mut told, mut used) = (Vec::new(), Vec::new());
        loop {
            let is_new = engine.usbd().take_frame().is_some();
            let ignores_crc = self.mutant == Mutant::IgnoresCrc;
            if ignores_crc && map::eventcause::ISOOUTCRC.is_set(board.read(map::eventcause())) {
                // SAFETY:
                // - The write starts no transfer.
                unsafe { board.write(map::eventcause(), map::eventcause::ISOOUTCRC.mask()) };
            }
            let found = endpoints.isoout.received(&engine);
            if !is_new {
                if board.host_is_done() {
                    break;
                }
                continue;
            }
            let has_no_bytes = found == Received::ZeroLength;
            assert!(!has_no_bytes || self.frames.contains(&Sends(0)), "a packet without bytes that nobody has sent");
            told.push(found);
            let length;
            (engine, buffer, length) = match endpoints.isoout.receive(engine, buffer) {
                Ok(transfer) => {
                    let ended = transfer.wait();
                    (ended.engine, ended.buffer, ended.length)
                }
                Err(refused) => (refused.channel, refused.buffer, Ok(0)),
            };
            let length = match (length, found) {
                (Err(_), Received::Packet(length)) if self.mutant == Mutant::UsesLate => length,
                (length, _) => length.unwrap_or(0),
            };
            self.use_packet(&buffer[..length], &mut used);
            buffer.fill(0xFF);
        }
        if !self.hasty {
            assert_eq!(told, self.told);
            let sent = self.frames.iter().filter(|frame| matches!(frame, Sends(1..)));
            assert_eq!(used.len(), sent.count(), "an intact packet was not given out");
        }
        engine
    }

    /// A packet is whole, intact, and later than the one before.
    fn use_packet(&self, packet: &[u8], used: &mut Vec<u8>) {
        let Some(&number) = packet.first() else {
            return;
        };
        assert_eq!(packet, vec![number; packet.len()], "bytes of two packets");
        assert_eq!(self.frames.get(usize::from(number)), Some(&Sends(packet.len())), "packet {number} is not this");
        assert!(used.last() < Some(&number), "packet {number} comes after {used:?}");
        used.push(number);
    }

    /// Looks at what comes, by raw registers, and moves nothing.
    fn look_wrongly<B: Board>(&self, board: &B) {
        let mut frame = board.read(map::framecntr());
        let believes_reset = self.mutant == Mutant::BelievesReset;
        while !board.host_is_done() {
            let now = board.read(map::framecntr());
            if now == frame && !believes_reset {
                continue;
            }
            frame = now;
            let is_corrupt = map::eventcause::ISOOUTCRC.is_set(board.read(map::eventcause()));
            if is_corrupt {
                // SAFETY:
                // - The write starts no transfer.
                unsafe { board.write(map::eventcause(), map::eventcause::ISOOUTCRC.mask()) };
            }
            let size = board.read(map::size_isoout());
            let is_empty = map::size_isoout::ZERO.is_set(size);
            assert!(!is_empty || self.frames.contains(&Sends(0)), "a packet without bytes that nobody has sent");
            if !is_corrupt && !is_empty && size != 0 {
                assert!(self.frames.contains(&Sends(size as usize)), "{size} bytes were not sent, or corrupted");
            }
        }
    }
}

impl Program for FromHost {
    fn name(&self) -> String {
        format!("from-host:{:?}:{}:{:?}", self.frames, self.hasty, self.mutant).replace(' ', "")
    }

    fn config(&self) -> Config {
        config(self.fences)
    }

    fn prepare(&self, soc: &mut Soc) {
        configure(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(&board);
        endpoints.isoout.open(&mut engine, Share::Whole).expect("the other direction is closed");
        accept(&mut engine, &mut endpoints);
        let engine = if matches!(self.mutant, Mutant::ForgetsSuspicion | Mutant::BelievesReset) {
            self.look_wrongly(&board);
            engine
        } else {
            self.receive(engine, &mut endpoints, &board)
        };
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { frames, hasty, .. } = *self;
        Box::pin(async move {
            if hasty {
                // It may begin while the endpoint is being opened.
                host.wait_frames(1).await?;
            }
            host.packet_in(true).await?;
            for (number, frame) in frames.iter().enumerate() {
                if !hasty && number > 0 {
                    host.settle().await?;
                    host.wait_frames(1).await?;
                    host.settle().await?;
                }
                match frame {
                    Corrupts(_) => drop(host.with_fault(Fault::CorruptedPacket)),
                    Loses(_) => drop(host.with_fault(Fault::LostToken)),
                    Sends(_) | Pauses => {}
                }
                if let Sends(length) | Corrupts(length) | Loses(length) = *frame {
                    host.isochronous_out(&vec![number.to_le_bytes()[0]; length]).await?;
                }
            }
            if !hasty {
                host.settle().await?;
            }
            host.wait_frames(1).await?;
            host.settle().await
        })
    }
}

/// Bounds: up to 12 bytes a packet, so three beats.
#[test]
fn out_packets_are_sound_on_every_schedule() {
    expect_every_schedule(&FromHost::ONE, Kind::Sound);
    let told = &[Received::Packet(12), Received::Packet(4)];
    expect_every_schedule(&FromHost { frames: &[Sends(12), Sends(4)], told, ..FromHost::ONE }, Kind::Sound);
}

#[test]
fn four_things_that_a_frame_brings_are_told_apart() {
    let frames = &[Sends(8), Pauses, Sends(0), Corrupts(12), Sends(4), Loses(8), Sends(8)];
    let told = &[
        Received::Packet(8),
        Received::Nothing,
        Received::ZeroLength,
        Received::Corrupted,
        Received::Packet(4),
        Received::Nothing,
        Received::Packet(8),
    ];
    expect_every_schedule(&FromHost { frames, told, ..FromHost::ONE }, Kind::Sound);
    let frames = &[Sends(8), Sends(8), Sends(8), Corrupts(12), Sends(4), Sends(8), Sends(8)];
    expect_every_schedule(&FromHost { frames, told, ..FromHost::ONE }, Kind::Assertion);
}

#[test]
fn long_out_packets_are_sound_on_many_schedules() {
    let frames = &[Sends(1020), Sends(4), Sends(1000), Sends(1020), Sends(64), Sends(8), Sends(1020), Sends(512)];
    expect_many_schedules(&FromHost { frames, hasty: true, ..FromHost::ONE }, Kind::Sound);
}

/// Frames that begin at any moment: a packet changes under the driver, and it notices.
#[test]
fn late_out_packets_are_not_given_out() {
    let program = FromHost { frames: &[Sends(8), Sends(4)], hasty: true, ..FromHost::ONE };
    expect_every_schedule(&program, Kind::Sound);
    expect_every_schedule(&FromHost { mutant: Mutant::UsesLate, ..program }, Kind::Assertion);
}

/// The corrupted packet may come before the one before it was looked at.
#[test]
fn corrupted_out_packet_is_never_given_out() {
    let program = FromHost { frames: &[Sends(8), Corrupts(4)], hasty: true, ..FromHost::ONE };
    expect_every_schedule(&program, Kind::Sound);
    for mutant in [Mutant::IgnoresCrc, Mutant::ForgetsSuspicion] {
        expect_every_schedule(&FromHost { mutant, ..program }, Kind::Assertion);
    }
}

#[test]
fn size_before_the_first_frame_is_no_packet() {
    let program = FromHost { mutant: Mutant::BelievesReset, ..FromHost::ONE };
    expect_every_schedule(&program, Kind::Assertion);
}

#[test]
fn weak_fences_of_out_packets_are_races() {
    for fences in Fences::all() {
        let program = FromHost { fences, ..FromHost::ONE };
        expect_every_schedule(&program, if fences.suffice() { Kind::Sound } else { Kind::Race });
    }
}
