//! The whole controller: enumeration by three hosts, bulk packets, every schedule.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{ControlEvent, Endpoints, Engine, EpIn, ReceiveError, Transfer, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::programs::{Echo, connect};
use sim_core::device::usbd::Token;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::Fences;
use sim_core::monitor::{Policy, Rule};
use sim_core::soc::{Config, Soc};
use sim_core::statics;

#[test]
fn loopback_device_is_enumerated_and_echoes_on_many_schedules() {
    for system in OperatingSystem::ALL {
        let program = Echo::new(system, 130);
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}: {}", program.name(), run.verdict);
        for seed in 0..100 {
            let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{}, seed {seed}: {}", program.name(), run.verdict);
        }
        for _ in 0..5 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{}, threads: {}", program.name(), run.verdict);
        }
    }
}

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
struct Bulk {
    packets_out: u8,
    packets_in: u8,
    mutant: Mutant,
    policy: Policy,
}

impl Bulk {
    const OUT: Self = Self { packets_out: 1, packets_in: 0, mutant: Mutant::None, policy: Policy::Stop };
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
        Config { policy: self.policy, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        let line = Location::caller();
        connect(soc);
        soc.bus_reset();
        soc.cpu_write(map::events_usbreset(), 0, line);
        soc.transaction(0, 0, Token::Setup(Setup::set_configuration(1).to_bytes()));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
        let event = endpoints.control.next_event(&mut engine);
        assert_eq!(event, Some(ControlEvent::Setup(Setup::set_configuration(1))));
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
        let (_, buffer) = engine.into_parts(endpoints);
        statics::give_back(buffer);
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

/// What becomes of a transfer into, or out of, a buffer of the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is asked until it has ended, then used again for the way back.
    Ended,
    /// It is dropped in mid-flight; what was lent is dropped after it.
    Dropped,
    /// It is forgotten in mid-flight.
    Forgotten,
}

/// A packet to endpoint 1 by `receive`, and back by `send`.
struct Owned {
    fate: Fate,
    fences: Fences,
}

/// Memory that counts how often it is let go of, and looks whether the packet is in it then.
struct Watched {
    bytes: &'static mut [u8; 64],
    drops: Rc<Cell<u32>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(self.bytes[..8] == [7; 8] || std::thread::panicking(), "let go of in mid-flight");
    }
}

// SAFETY:
// - The pointer is that of a `&'static mut` that nobody else has, the same each time, and valid for as long as this
//   value is neither used nor dropped.
unsafe impl embedded_dma::WriteBuffer for Watched {
    type Word = u8;

    unsafe fn write_buffer(&mut self) -> (*mut u8, usize) {
        (self.bytes.as_mut_ptr(), self.bytes.len())
    }
}

// SAFETY:
// - As above. It is 8 bytes long: what is sent.
unsafe impl embedded_dma::ReadBuffer for Watched {
    type Word = u8;

    unsafe fn read_buffer(&self) -> (*const u8, usize) {
        (self.bytes.as_ptr(), 8)
    }
}

impl Program for Owned {
    fn name(&self) -> String {
        format!("owned:{:?}", self.fate)
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        Bulk::OUT.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let drops = Rc::new(Cell::new(0));
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board), statics::packet_buffer());
        endpoints.control.next_event(&mut engine);
        let Endpoints { control, epin: [epin, ..], epout: [epout, ..] } = &mut endpoints;
        epin.open(&mut engine);
        epout.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        let mut buffer = Watched { bytes: Box::leak(Box::new([0; 64])), drops: drops.clone() };
        let transfer = loop {
            match epout.receive(engine, buffer) {
                Ok(transfer) => break transfer,
                Err(refused) => {
                    assert_eq!(refused.kind, ReceiveError::Empty);
                    assert_eq!(drops.get(), 0, "it comes back");
                    (engine, buffer) = (refused.engine, refused.buffer);
                }
            }
        };
        self.end(transfer, epin);
        assert_eq!(drops.get(), u32::from(self.fate != Fate::Forgotten));
    }

    fn host(&self, mut host: Host) -> Script {
        let comes_back = self.fate == Fate::Ended;
        Box::pin(async move {
            host.packet_in(true).await?;
            host.bulk_out(1, &[7; 8]).await?;
            if comes_back && host.bulk_in(1, 64).await? != [7; 8] {
                return Err(HostError::Unexpected("another packet came back".to_owned()));
            }
            Ok(())
        })
    }
}

impl Owned {
    fn end<B: Board>(&self, mut transfer: Transfer<B, Watched>, epin: &mut EpIn) {
        let (engine, buffer) = match self.fate {
            Fate::Ended => loop {
                match transfer.end() {
                    Ok(parts) => break parts,
                    Err(running) => transfer = running,
                }
            },
            Fate::Dropped => return drop(transfer),
            Fate::Forgotten => return std::mem::forget(transfer),
        };
        assert_eq!(buffer.bytes[..9], [7, 7, 7, 7, 7, 7, 7, 7, 0], "eight bytes were written, and no more");
        let (engine, _) = epin.send(engine, buffer).map_err(|refused| refused.kind).expect("it is idle").wait();
        while !epin.is_sent(&engine) {}
    }
}

#[test]
fn owned_buffers_are_sound_when_ended_dropped_and_forgotten() {
    for fate in [Fate::Ended, Fate::Dropped, Fate::Forgotten] {
        let program = Owned { fate, fences: Fences::default() };
        let exploration = stepped::explore(&program, Limits::default());
        println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
        assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
        for _ in 0..20 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
        }
    }
}

#[test]
fn owned_buffers_need_both_fences() {
    for fate in [Fate::Ended, Fate::Dropped] {
        for fences in Fences::all() {
            let verdict = stepped::explore(&Owned { fate, fences }, Limits::default()).verdict;
            let expected = if fences.suffice() { Kind::Sound } else { Kind::Race };
            assert_eq!(verdict.kind(), expected, "{fate:?} {fences:?}: {verdict}");
        }
    }
}
