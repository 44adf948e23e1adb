//! Suspend: low power, resume, remote wake-up, on every schedule.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use dma_api::nrf52840::usbd::{BusEvent, Control, ControlEvent, Endpoints, Engine, EpIn, Suspended, map};
use dma_api::usb::Setup;
use sim_core::check::programs::connect;
use sim_core::device::usbd::Token;
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::Limits;
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};

use crate::configured::{begin, end};

/// What ends a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The host resumes the bus.
    Resume,
    /// The host resets the bus.
    Reset,
    /// The device wakes the host up.
    WakeUp,
    /// The device is about to, and the host resumes the bus.
    Both,
    /// The device is about to, and gives it up; the host resumes the bus.
    GivenUp,
}

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// It looks for a resume before LOWPOWER=1, and not after.
    LooksOnce,
    /// It takes the USBWUALLOWED of an earlier wake-up for the one that it waits for.
    BelievesOld,
    /// It wakes up without the workaround of erratum 171.
    WakesWithoutPoke,
}

/// A device that begins to send a packet, is suspended, sleeps, and sends it when it is awake. Then again.
struct Sleeper {
    ends: &'static [End],
    mutant: Mutant,
}

impl Program for Sleeper {
    fn name(&self) -> String {
        format!("sleeper:{:?}:{:?}", self.ends, self.mutant).replace(' ', "")
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        let line = Location::caller();
        connect(soc);
        // The workaround of erratum 171 ends at READY.
        for (address, value) in poke_of_171(0) {
            soc.cpu_poke(address, value, line);
        }
        soc.cpu_write(map::eventcause(), map::eventcause::READY.mask(), line);
        // It has slept before, and nobody has taken that USBWUALLOWED.
        soc.cpu_write(map::lowpower(), 1, line);
        soc.cpu_write(map::lowpower(), 0, line);
        soc.power_up_done();
        soc.cpu_write(map::events_usbevent(), 0, line);
        soc.bus_reset();
        soc.cpu_write(map::events_usbreset(), 0, line);
        soc.transaction(0, 0, Token::Setup(Setup::set_configuration(1).to_bytes()));
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut engine, mut endpoints) = begin(board.clone(), Setup::set_configuration(1));
        let Endpoints { control, epin: [epin, ..], .. } = &mut endpoints;
        epin.open(&mut engine);
        control.accept(&mut engine).expect("nothing is on its way");
        for (number, end) in self.ends.iter().enumerate() {
            // A host's reset closes the endpoint.
            while !epin.is_sent(&engine) {}
            let bytes: &'static mut [u8] = Box::leak(Box::new([number.to_le_bytes()[0]; 8]));
            engine = match self.send_and_sleep(engine, epin, bytes, &board) {
                Ok(suspended) => self.wake(suspended, *end, &board),
                Err(awake) => awake,
            };
            take_events(&mut engine, control, epin, *end);
        }
        while !epin.is_sent(&engine) {}
        end(engine, endpoints);
    }

    fn host(&self, mut host: Host) -> Script {
        let ends = self.ends;
        Box::pin(async move {
            host.packet_in(true).await?;
            for (number, end) in ends.iter().enumerate() {
                host.suspend().await?;
                match end {
                    End::Resume | End::Both | End::GivenUp => host.resume().await?,
                    End::WakeUp => host.wake_up().await?,
                    End::Reset => return host.reset().await,
                }
                host.settle().await?;
                let packet = patient_bulk_in(&mut host).await?;
                if packet != [number.to_le_bytes()[0]; 8] {
                    return Err(HostError::Unexpected(format!("packet {number} is {packet:?}")));
                }
            }
            Ok(())
        })
    }
}

/// A device that was resumed may take its time, on real threads.
async fn patient_bulk_in(host: &mut Host) -> Result<Vec<u8>, HostError> {
    for _ in 0..20 {
        match host.bulk_in(1, 64).await {
            Err(HostError::NoAnswer { .. }) => host.settle().await?,
            outcome => return outcome,
        }
    }
    host.bulk_in(1, 64).await
}

impl Sleeper {
    /// Sends `bytes`, and puts the controller to sleep when the bus is suspended, which may be while the transfer runs.
    fn send_and_sleep<B: Board>(
        &self,
        engine: Engine<B>,
        epin: &mut EpIn,
        bytes: &'static mut [u8],
        board: &B,
    ) -> Result<Suspended<B>, Engine<B>> {
        let transfer = epin.send(engine, bytes).map_err(|refused| refused.kind).expect("it is idle");
        // The engine is in the transfer: nobody can suspend it before its end.
        let (mut engine, _) = transfer.wait();
        while engine.usbd().take_bus_event() != Some(BusEvent::Suspend) {}
        if self.mutant == Mutant::LooksOnce {
            sleep_wrongly(board);
            return Err(engine);
        }
        engine.suspend()
    }

    fn wake<B: Board>(&self, suspended: Suspended<B>, end: End, board: &B) -> Engine<B> {
        match end {
            End::Resume | End::Reset => {
                sleep_until_interrupt(board);
                while !suspended.is_resumed() {}
                suspended.resume()
            }
            End::GivenUp => suspended.wake_up().give_up(),
            End::WakeUp | End::Both if self.mutant == Mutant::None => {
                let mut waking = suspended.wake_up();
                loop {
                    let is_resumed = map::eventcause::RESUME.is_set(board.read(map::eventcause()));
                    match waking.end() {
                        Ok(engine) => {
                            let drives = board.read(map::dpdmvalue()) != 0;
                            assert!(!is_resumed || !drives, "it drives the lines that the host drives");
                            break engine;
                        }
                        Err(still) => waking = still,
                    }
                }
            }
            End::WakeUp | End::Both => {
                self.wake_wrongly(board);
                suspended.resume()
            }
        }
    }

    /// Wakes the host up, by raw registers.
    fn wake_wrongly<B: Board>(&self, board: &B) {
        if self.mutant != Mutant::WakesWithoutPoke {
            for (address, value) in poke_of_171(map::WORKAROUND_171_ON) {
                // SAFETY:
                // - This is an nRF52840, if an emulated one, and this is how its errata are worked around.
                unsafe { board.poke(address, value) };
            }
        }
        write(board, map::lowpower(), 0);
        let is_allowed = || map::eventcause::USBWUALLOWED.is_set(board.read(map::eventcause()));
        while !is_allowed() {}
        write(board, map::dpdmvalue(), map::DPDMVALUE_RESUME);
        write(board, map::tasks_dpdmdrive(), 1);
    }
}

/// Stands for WFI.
fn sleep_until_interrupt<B: Board>(board: &B) {
    while board.read(map::events_usbevent()) == 0 && board.read(map::events_usbreset()) == 0 {}
}

/// Sleeps until the host has resumed the bus, by raw registers, without a look after LOWPOWER=1.
fn sleep_wrongly<B: Board>(board: &B) {
    if map::eventcause::RESUME.is_set(board.read(map::eventcause())) {
        return;
    }
    write(board, map::lowpower(), 1);
    write(board, map::events_usbevent(), 0);
    sleep_until_interrupt(board);
    write(board, map::lowpower(), 0);
}

/// Takes what has happened while the device slept, until the host's part in it has come.
fn take_events<B: Board>(engine: &mut Engine<B>, control: &mut Control, epin: &mut EpIn, end: End) {
    match end {
        End::Resume | End::GivenUp => while engine.usbd().take_bus_event() != Some(BusEvent::Resume) {},
        End::Reset => {
            while control.next_event(engine) != Some(ControlEvent::Reset) {}
            epin.close(engine);
        }
        // No RESUME follows one's own wake-up.
        End::WakeUp => assert_ne!(engine.usbd().take_bus_event(), Some(BusEvent::Resume)),
        End::Both => while engine.usbd().take_bus_event().is_some() {},
    }
}

fn write<B: Board>(board: &B, offset: u16, value: u32) {
    // SAFETY:
    // - The write starts no transfer.
    unsafe { board.write(offset, value) };
}

/// Opens the registers of the workarounds, writes the one of erratum 171, closes them.
fn poke_of_171(value: u32) -> [(u32, u32); 3] {
    let key = (map::WORKAROUND_KEY, map::WORKAROUND_KEY_TOGGLES);
    [key, (map::WORKAROUND_171, value), key]
}

#[track_caller]
fn expect_every_schedule(ends: &'static [End], mutant: Mutant, expected: Kind) {
    let program = Sleeper { ends, mutant };
    let exploration = stepped::explore(&program, Limits::default());
    println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
    assert_eq!(exploration.verdict.kind(), expected, "{}: {}", program.name(), exploration.verdict);
}

/// The suspension comes before, in or after a transfer; the resume before, in or after the way into low power.
///
/// Bounds: 8 bytes a packet, so two beats; one suspension.
#[test]
fn suspended_device_is_sound_on_every_schedule() {
    expect_every_schedule(&[End::Resume], Mutant::None, Kind::Sound);
    expect_every_schedule(&[End::Reset], Mutant::None, Kind::Sound);
    expect_every_schedule(&[End::WakeUp], Mutant::None, Kind::Sound);
    expect_every_schedule(&[End::Both], Mutant::None, Kind::Sound);
    expect_every_schedule(&[End::GivenUp], Mutant::None, Kind::Sound);
}

#[test]
fn suspended_device_is_sound_on_many_schedules() {
    let ends = &[End::WakeUp, End::Resume, End::GivenUp, End::WakeUp, End::WakeUp, End::Resume, End::Reset];
    let program = Sleeper { ends, mutant: Mutant::None };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    for seed in 0..100 {
        let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
    }
    // One each: a host on a thread of its own does not wait until the device has seen the resume before.
    for ends in [&[End::Resume], &[End::Reset], &[End::WakeUp], &[End::Both], &[End::GivenUp]] {
        let run = threads::run(&Sleeper { ends, mutant: Mutant::None }, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{ends:?}, threads: {}", run.verdict);
    }
}

/// The resume comes after the look before LOWPOWER=1, and its event is cleared: nobody wakes the core.
#[test]
fn resume_on_the_way_into_low_power_is_missed_without_a_second_look() {
    expect_every_schedule(&[End::Resume], Mutant::LooksOnce, Kind::Deadlock);
}

#[test]
fn wake_up_that_believes_an_earlier_one_is_reported() {
    expect_every_schedule(&[End::WakeUp], Mutant::BelievesOld, Kind::Violation(Rule::DriveBeforeWakeUp));
}

#[test]
fn wake_up_without_its_workaround_never_comes() {
    expect_every_schedule(&[End::WakeUp], Mutant::WakesWithoutPoke, Kind::Deadlock);
}
