//! The host against the emulated chip: enumeration, faults on every transaction, frames, the cable.
//!
//! The firmware is `Ep0In` with a few descriptors. What the host does by itself is tested beside it, in `host::tests`.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::{Ep0In, Event, map};
use dma_api::usb::{GET_DESCRIPTOR, SET_ADDRESS, SET_CONFIGURATION, Setup};
use sim_core::check::firmware::{self, connect, put_away};
use sim_core::check::programs::{Device, Try};
use sim_core::device::usbd::Options;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, Verdict, stepped, threads};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::{Fault, Faults, Host, HostError, Script};
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, Record};

/// What the firmware has to offer, by wValue of GET_DESCRIPTOR. Each fits a packet.
#[rustfmt::skip]
const DESCRIPTORS: [(u16, &[u8]); 6] = [
    (0x0100, &[18, 1, 0x00, 0x02, 0xFF, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 1, 2, 3, 1]),
    (0x0200, &[9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xFF, 0, 0, 0]),
    (0x0300, &[4, 3, 0x09, 0x04]),
    (0x0301, &[6, 3, b'd', 0, b'm', 0]),
    (0x0302, &[6, 3, b'a', 0, b'c', 0]),
    (0x0303, &[4, 3, b'1', 0]),
];

/// Serves [`DESCRIPTORS`] until the host is done.
fn serve<B: Board>(board: B) {
    let mut ep0in = connect(board.clone());
    loop {
        board.checkpoint(&ep0in);
        if board.host_is_done() {
            break;
        }
        if let Some(Event::Setup(setup)) = ep0in.next_event() {
            answer(&mut ep0in, setup);
        }
    }
    put_away(ep0in);
}

fn answer<B: Board>(ep0in: &mut Ep0In<B>, setup: Setup) {
    let descriptor = DESCRIPTORS.iter().find(|(value, _)| *value == setup.value);
    let idle = "the SETUP has ended the packet before";
    match (setup.request, descriptor) {
        (GET_DESCRIPTOR, Some((_, bytes))) => ep0in.start(&bytes[..bytes.len().min(setup.length.into())]).expect(idle),
        // The hardware answers it, status stage included.
        (SET_ADDRESS, _) => {}
        (SET_CONFIGURATION, _) => ep0in.accept().expect(idle),
        _ => ep0in.stall().expect(idle),
    }
}

/// Powered up, and pulled up.
fn prepare_connected(soc: &mut Soc) {
    let line = Location::caller();
    soc.cpu_write(map::enable(), map::enable::ENABLE.mask(), line);
    soc.power_up_done();
    soc.cpu_write(map::usbpullup(), map::usbpullup::CONNECT.mask(), line);
}

/// A device that is enumerated.
struct Enumerated {
    system: OperatingSystem,
    faults: Faults,
}

impl Program for Enumerated {
    fn name(&self) -> String {
        format!("enumerated:{}", self.system)
    }

    fn config(&self) -> Config {
        Config { faults: self.faults, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        serve(board);
    }

    fn host(&self, mut host: Host) -> Script {
        let system = self.system;
        Box::pin(async move {
            let device = host.enumerate(system, 9).await?;
            if device.product() == Some("ac") && device.serial_number() == Some("1") {
                return Ok(());
            }
            Err(HostError::Unexpected(format!("{device:?}")))
        })
    }
}

#[test]
fn every_system_enumerates_the_chip_on_every_explorer() {
    for system in OperatingSystem::ALL {
        let program = Enumerated { system, faults: Faults::default() };
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{system}: {}", run.verdict);
        for seed in 0..20 {
            let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "{system}, seed {seed}: {}", run.verdict);
        }
        let run = threads::run(&program, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{system}: {}", run.verdict);
    }
}

/// Firmware that waits for frame 3.
struct WaitsForFrame {
    /// How many frames the host begins.
    frames: u32,
}

impl Program for WaitsForFrame {
    fn name(&self) -> String {
        format!("waits-for-frame:{}", self.frames)
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        prepare_connected(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        while board.read(map::framecntr()) != 3 {}
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = self.frames;
        Box::pin(async move { host.wait_frames(frames).await })
    }
}

#[test]
fn frames_that_the_host_begins_are_counted_by_the_chip() {
    let verdict = |frames| stepped::explore(&WaitsForFrame { frames }, Limits::default()).verdict.kind();
    assert_eq!(verdict(3), Kind::Sound);
    assert_eq!(verdict(2), Kind::Deadlock);
}

/// A control read with a budget of faults; its verdict over every schedule.
fn read_with(faults: Faults) -> Verdict {
    let config = Config { faults, ..Config::default() };
    let program = Device { config, ..Device::new(Try::ControlRead, 8) };
    stepped::explore(&program, Limits::default()).verdict
}

#[test]
fn read_survives_a_loss_in_any_transaction_on_every_schedule() {
    let without = read_with(Faults::default()).executions();
    for faults in [Faults { lost_tokens: 1, ..Faults::default() }, Faults { corrupted_packets: 1, ..Faults::default() }]
    {
        let verdict = read_with(faults);
        assert_eq!(verdict.kind(), Kind::Sound, "{faults:?}: {verdict}");
        assert!(verdict.executions() > without, "{faults:?} adds schedules");
    }
}

#[test]
fn third_loss_in_a_row_is_chosen_too_and_ends_the_hosts_patience() {
    let verdict = read_with(Faults { lost_tokens: 2, ..Faults::default() });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    let verdict = read_with(Faults { lost_tokens: 3, ..Faults::default() });
    let Verdict::Assertion { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    assert!(message.contains("3 tries"), "{message}");
}

#[test]
fn lost_ack_of_the_last_packet_leaves_host_and_chip_waiting_for_each_other() {
    // The chip permits the status stage when the ACK of the last packet comes. If that is lost, the host goes on to the
    // status stage and is answered NAK (hardware reference 2.6, early status): it gives up after 5 s, as on silicon.
    let verdict = read_with(Faults { lost_handshakes: 1, ..Faults::default() });
    let Verdict::Deadlock { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    assert!(message.starts_with("OUT at address") && message.contains("NAK for 5000 ms"), "{message}");
}

/// A host with a script, and the device of `check::firmware`.
struct Scripted {
    name: &'static str,
    faults: Faults,
    script: fn(Host) -> Script,
}

impl Program for Scripted {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn config(&self) -> Config {
        Config { faults: self.faults, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        firmware::serve(board);
    }

    fn host(&self, host: Host) -> Script {
        (self.script)(host)
    }
}

const READ: Setup = Setup::get_device_descriptor(8);

async fn read(host: &mut Host) -> Result<(), HostError> {
    let bytes = host.control_in(READ).await?;
    if bytes == firmware::DESCRIPTOR[..8] { Ok(()) } else { Err(HostError::Unexpected(format!("{bytes:02x?}"))) }
}

fn explore(program: &Scripted) -> Verdict {
    stepped::explore(program, Limits::default()).verdict
}

#[test]
fn transfer_that_a_reset_ends_anywhere_is_followed_by_a_whole_one() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            loop {
                match read(&mut host).await {
                    Err(HostError::Abandoned { .. }) => {
                        host.reset().await?;
                        host.settle().await?;
                    }
                    outcome => return outcome,
                }
            }
        })
    };
    let faults = Faults { abandoned: 1, ..Faults::default() };
    let verdict = explore(&Scripted { name: "reset-anywhere", faults, script });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    let unprepared = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            read(&mut host).await
        })
    };
    let verdict = explore(&Scripted { name: "unprepared", faults, script: unprepared });
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
}

#[test]
fn cable_that_is_pulled_in_mid_transfer_leaves_a_device_that_answers_after_the_next_reset() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.setup(READ).await?;
            host.disconnect().await?;
            match host.packet_in(true).await {
                Err(HostError::NoAnswer { tries: 3, .. }) => {}
                other => return Err(HostError::Unexpected(format!("the cable is pulled, and IN gives {other:?}"))),
            }
            host.connect().await?;
            host.reset().await?;
            host.settle().await?;
            read(&mut host).await
        })
    };
    let verdict = explore(&Scripted { name: "cable", faults: Faults::default(), script });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn bus_that_is_suspended_and_resumed_in_mid_transfer_goes_on() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.setup(READ).await?;
            host.suspend().await?;
            host.resume().await?;
            let packet = host.packet_in(true).await?;
            if packet.bytes() != &firmware::DESCRIPTOR[..8] {
                return Err(HostError::Unexpected(format!("{packet:02x?}")));
            }
            read(&mut host).await
        })
    };
    let verdict = explore(&Scripted { name: "suspend", faults: Faults::default(), script });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn script_goes_on_after_a_timeout_and_may_end_well() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.setup(READ).await?;
            // The chip does not permit the status stage before the data stage is over: NAK for ever.
            match host.packet_out(true, sim_core::device::usbd::Packet::EMPTY).await {
                Err(HostError::Timeout { token: "OUT", .. }) => read(&mut host).await,
                other => Err(HostError::Unexpected(format!("the status stage gives {other:?}"))),
            }
        })
    };
    let verdict = explore(&Scripted { name: "after-a-timeout", faults: Faults::default(), script });
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn script_that_never_stops_waiting_is_a_deadlock() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.setup(READ).await?;
            while host.packet_out(true, sim_core::device::usbd::Packet::EMPTY).await.is_err() {}
            Ok(())
        })
    };
    let run = stepped::run(
        &Scripted { name: "never-stops", faults: Faults::default(), script },
        &Rc::new(RefCell::new(Immediate)),
        None,
    );
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
}

#[test]
fn fault_of_the_script_is_in_the_trace() {
    let script = |mut host: Host| -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.with_fault(Fault::LostHandshake);
            read(&mut host).await
        })
    };
    let program = Scripted { name: "lost-handshake", faults: Faults::default(), script };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), Some(Keep::Order));
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    let is_it = |record: &Record| matches!(record, Record::Transaction { fault: Some(Fault::LostHandshake), .. });
    assert_eq!(run.trace.entries().iter().filter(|entry| is_it(&entry.record)).count(), 1);
    let text = sim_core::trace::timeline::render(&run.trace);
    assert!(text.contains("ACK (the handshake is lost)"), "{text}");
}

/// A sink at endpoint 1, register by register: what it takes in is what the host has sent, or it panics.
struct Sink {
    faults: Faults,
    /// It takes the packets' bytes, and leaves out the last byte of the second.
    loses: bool,
}

const PACKETS: [&[u8]; 3] = [&[1, 2, 3, 4], &[1, 2, 3, 4], &[5]];

fn write<B: Board>(board: &B, offset: u16, value: u32) {
    // SAFETY:
    // - The only transfer that is started here has its buffer lent: see `receive`.
    unsafe { board.write(offset, value) };
}

/// Moves the packet that waits at endpoint 1.
fn receive<B: Board>(board: &B, buffer: &mut [u8; 64]) -> usize {
    let length = board.read(map::size_epout(1));
    let size = usize::try_from(length).expect("64 at most");
    let region = Region { pointer: buffer.as_mut_ptr(), length: size, direction: Direction::DeviceToMemory };
    // SAFETY:
    // - The region is in `buffer`, which outlives the transfer: the loop below waits for its end.
    let address = unsafe { board.release(region) };
    write(board, map::epout_ptr(1), address.get());
    write(board, map::epout_maxcnt(1), length);
    write(board, map::tasks_startepout(1), 1);
    while board.read(map::events_endepout(1)) == 0 {}
    write(board, map::events_endepout(1), 0);
    // SAFETY:
    // - It was released above with this region, and ENDEPOUT was read: the transfer is over.
    unsafe { board.acquire(region) };
    size
}

impl Program for Sink {
    fn name(&self) -> String {
        "sink".to_owned()
    }

    fn config(&self) -> Config {
        Config { faults: self.faults, options: Options::ideal(), ..Config::default() }
    }

    /// Connected, with endpoint 1 armed: a host that finds it asleep would give up.
    fn prepare(&self, soc: &mut Soc) {
        let line = Location::caller();
        prepare_connected(soc);
        soc.cpu_write(map::epouten(), 0b11, line);
        soc.cpu_write(map::size_epout(1), 0, line);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut received, mut buffer) = (Vec::new(), [0; 64]);
        while received.len() < PACKETS.len() {
            board.checkpoint(&received);
            if board.read(map::epdatastatus()) != 0 {
                write(&board, map::epdatastatus(), u32::MAX);
                let size = receive(&board, &mut buffer);
                let left_out = usize::from(self.loses && received.len() == 1);
                received.push(buffer[..size - left_out].to_vec());
            }
        }
        assert_eq!(received, PACKETS, "the device has other packets than the host has sent");
        while !board.host_is_done() {}
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            for packet in PACKETS {
                host.bulk_out(1, packet).await?;
            }
            Ok(())
        })
    }
}

#[test]
fn bulk_packets_arrive_once_and_in_order_whatever_is_lost() {
    for faults in [
        Faults { lost_tokens: 1, ..Faults::default() },
        Faults { corrupted_packets: 1, ..Faults::default() },
        Faults { lost_handshakes: 2, ..Faults::default() },
    ] {
        let verdict = stepped::explore(&Sink { faults, loses: false }, Limits::default()).verdict;
        assert_eq!(verdict.kind(), Kind::Sound, "{faults:?}: {verdict}");
    }
    let loses = Sink { faults: Faults::default(), loses: true };
    let verdict = stepped::explore(&loses, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
}

#[test]
fn wrong_toggle_of_the_host_costs_a_packet() {
    // The chip takes it for a repeat, acknowledges it, and drops it: the sink waits for a packet that was sent.
    let faults = Faults { wrong_toggles: 1, ..Faults::default() };
    let verdict = stepped::explore(&Sink { faults, loses: false }, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
}
