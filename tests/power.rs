//! Power-up with the cable on every schedule: VBUS, ENABLE, READY, HFXO, the regulator, the pull-up, and back.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::nrf52840::power::{Power, State, map as power_map};
use dma_api::nrf52840::usbd::{Ep0In, Event, PacketBuffer, Usbd};
use dma_api::registers::Registers;
use dma_api::usb::Setup;
use sim_core::check::firmware;
use sim_core::device::usbd::{Options, Supply};
use sim_core::explore::scheduler::{Immediate, Seeded};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, PowerRegisters, Program, Verdict, threads};
use sim_core::host::{Faults, Host, HostError, Script};
use sim_core::monitor::{Policy, Rule};
use sim_core::soc::{Config, Soc};
use sim_core::statics;
use sim_core::trace::{Keep, timeline};

/// What the firmware does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// Nothing: it uses [`Power`].
    Nothing,
    /// It does not start HFXO.
    NoClock,
    /// It starts HFXO, and does not wait for it.
    ClockNotAwaited,
    /// It takes HFCLKSTAT.STATE, which is 1 with any oscillator, for the crystal's.
    AnyOscillator,
    /// It does not wait for the regulator.
    NoPowerReady,
    /// It waits for the regulator by EVENTS_USBPWRRDY, and takes one of before for the one to come.
    StaleEvent,
    /// It does not wait for VBUS.
    NoVbus,
    /// It waits for EVENTS_USBDETECTED, and does not ask USBREGSTATUS.
    EventOnly,
    /// It comes up once, and stays down when the cable was pulled.
    ComesUpOnce,
}

/// What the host does with the cable, besides reading the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It resets the bus, and does not even read.
    Resets,
    /// Nothing.
    Reads,
    /// It plugs it in, first.
    PlugsIn,
    /// It pulls it and plugs it in again, at any time of the power-up.
    Wiggles,
    /// It pulls it at any one moment of a control read, and plugs it in again.
    PullsInMidTransfer,
    /// It reads and sets the address, before and after that.
    EnumeratesTwice,
}

/// A device with the descriptors of [`firmware`], powered by the cable, and a host.
struct Cable {
    wrong: Wrong,
    policy: Policy,
    faults: Faults,
    /// The cable is plugged in from the start.
    plugged: bool,
    does: Does,
}

impl Cable {
    fn new(wrong: Wrong, does: Does) -> Self {
        let faults = Faults { abandoned: u8::from(does == Does::PullsInMidTransfer), ..Faults::default() };
        Self { wrong, policy: Policy::Stop, faults, plugged: does != Does::PlugsIn, does }
    }

    fn explore(&self) -> Verdict {
        let exploration = stepped::explore(self, Limits::default());
        println!("{}: {} states; {}", self.name(), exploration.states, exploration.verdict);
        exploration.verdict
    }
}

impl Program for Cable {
    fn name(&self) -> String {
        format!("cable:{:?}:{:?}", self.wrong, self.does)
    }

    fn config(&self) -> Config {
        let options = Options { supply: Supply::Modelled, ..Options::default() };
        Config { options, policy: self.policy, faults: self.faults, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        if !self.plugged {
            soc.plug(false);
        }
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut device = Device { supply: supply(&board, self.wrong), usbd: Usbd::new(board.clone()), board };
        let mut buffer = statics::packet_buffer();
        while device.attach() {
            (device, buffer) = device.serve(buffer);
            if self.wrong == Wrong::ComesUpOnce {
                device.supply.advance(&mut device.usbd);
                while !device.board.host_is_done() {}
            }
        }
        statics::give_back(buffer);
    }

    fn host(&self, host: Host) -> Script {
        match self.does {
            Does::Resets => resets(host),
            Does::Reads => reads(host),
            Does::PlugsIn => plugs_in(host),
            Does::Wiggles => wiggles(host),
            Does::PullsInMidTransfer => pulls_in_mid_transfer(host),
            Does::EnumeratesTwice => enumerates_twice(host),
        }
    }
}

/// Who takes the controller up and down.
#[derive(Debug)]
enum Supplied<B> {
    /// The driver.
    Driver(Power<PowerRegisters<B>>),
    /// A hand that makes a mistake.
    ByHand { registers: PowerRegisters<B>, wrong: Wrong, state: State },
}

fn supply<B: Board>(board: &B, wrong: Wrong) -> Supplied<B> {
    match wrong {
        Wrong::Nothing | Wrong::ComesUpOnce => Supplied::Driver(board.power()),
        _ => Supplied::ByHand { registers: board.power_registers(), wrong, state: State::Unplugged },
    }
}

fn write<B: Board>(registers: &PowerRegisters<B>, offset: u16, value: u32) {
    // SAFETY:
    // - The write starts no transfer: no register of POWER and CLOCK does.
    unsafe { registers.write(offset, value) };
}

/// Clears an event; returns whether it was set.
fn take<B: Board>(registers: &PowerRegisters<B>, event: u16) -> bool {
    let set = registers.read(event) != 0;
    if set {
        write(registers, event, 0);
    }
    set
}

/// What [`Power::advance`] does, with one thing wrong about it.
fn advance<B: Board>(registers: &PowerRegisters<B>, wrong: Wrong, state: State, usbd: &mut Usbd<B>) -> State {
    let status = |field: dma_api::table::Field| field.is_set(registers.read(power_map::usbregstatus()));
    let removed = take(registers, power_map::events_usbremoved());
    match state {
        State::Unplugged => {
            let present = match wrong {
                Wrong::NoVbus => true,
                Wrong::EventOnly => take(registers, power_map::events_usbdetected()),
                _ => status(power_map::usbregstatus::VBUSDETECT),
            };
            if !present {
                return state;
            }
            usbd.power_up();
            if wrong != Wrong::NoClock {
                write(registers, power_map::tasks_hfclkstart(), 1);
            }
            State::Starting
        }
        State::Starting | State::Attached if removed => {
            usbd.power_down();
            write(registers, power_map::tasks_hfclkstop(), 1);
            State::Unplugged
        }
        State::Starting => {
            let clock = registers.read(power_map::hfclkstat());
            let clock = match wrong {
                Wrong::NoClock | Wrong::ClockNotAwaited => true,
                Wrong::AnyOscillator => power_map::hfclkstat::STATE.is_set(clock),
                _ => power_map::hfclkstat::SRC.is_set(clock),
            };
            let output = match wrong {
                Wrong::NoPowerReady => true,
                Wrong::StaleEvent => registers.read(power_map::events_usbpwrrdy()) != 0,
                _ => status(power_map::usbregstatus::OUTPUTRDY),
            };
            if !(usbd.is_ready() && clock && output) {
                return state;
            }
            usbd.connect();
            State::Attached
        }
        State::Attached => state,
    }
}

impl<B: Board> Supplied<B> {
    fn advance(&mut self, usbd: &mut Usbd<B>) -> State {
        match self {
            Self::Driver(power) => power.advance(usbd),
            Self::ByHand { registers, wrong, state } => {
                *state = advance(registers, *wrong, *state, usbd);
                *state
            }
        }
    }

    fn is_removed(&self) -> bool {
        match self {
            Self::Driver(power) => power.is_removed(),
            Self::ByHand { registers, .. } => registers.read(power_map::events_usbremoved()) != 0,
        }
    }
}

/// A device between two plugs.
struct Device<B> {
    board: B,
    supply: Supplied<B>,
    usbd: Usbd<B>,
}

impl<B: Board> Device<B> {
    /// Waits for the cable, and comes up. `false` when the host is done first.
    fn attach(&mut self) -> bool {
        loop {
            self.board.checkpoint(&(&self.supply, &self.usbd));
            if self.board.host_is_done() {
                return false;
            }
            if self.supply.advance(&mut self.usbd) == State::Attached {
                return true;
            }
        }
    }

    /// Serves the host until it is done, or the cable is pulled.
    fn serve(self, buffer: &'static mut PacketBuffer) -> (Self, &'static mut PacketBuffer) {
        let Self { board, supply, usbd } = self;
        let mut ep0in = Ep0In::new(usbd, buffer);
        loop {
            board.checkpoint(&(&supply, &ep0in));
            if board.host_is_done() || supply.is_removed() {
                break;
            }
            if let Some(Event::Setup(setup)) = ep0in.next_event() {
                firmware::answer(&mut ep0in, setup);
            }
        }
        // EasyDMA goes on without VBUS: wait for it.
        ep0in.abort();
        loop {
            match ep0in.into_parts() {
                Ok((usbd, buffer)) => return (Self { board, supply, usbd }, buffer),
                Err(busy) => ep0in = busy,
            }
        }
    }
}

const READ: Setup = Setup::get_device_descriptor(8);

async fn read(host: &mut Host) -> Result<(), HostError> {
    let bytes = host.control_in(READ).await?;
    if bytes == firmware::DESCRIPTOR[..8] { Ok(()) } else { Err(HostError::Unexpected(format!("{bytes:02x?}"))) }
}

/// Waits for the device.
fn resets(mut host: Host) -> Script {
    Box::pin(async move { host.reset().await })
}

/// Waits for the device, and reads its descriptor.
fn reads(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        read(&mut host).await
    })
}

/// Pulls the cable and plugs it in again, at any time of the power-up; then reads.
fn wiggles(mut host: Host) -> Script {
    Box::pin(async move {
        host.disconnect().await?;
        host.connect().await?;
        // A device that was attached may see that its cable was pulled now.
        host.settle().await?;
        host.reset().await?;
        read(&mut host).await
    })
}

/// Plugs the cable in, and reads.
fn plugs_in(mut host: Host) -> Script {
    Box::pin(async move {
        host.connect().await?;
        host.reset().await?;
        read(&mut host).await
    })
}

/// Reads. Where it is abandoned, the cable is pulled and plugged in again, and it reads once more.
fn pulls_in_mid_transfer(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        loop {
            match read(&mut host).await {
                Err(HostError::Abandoned { .. }) => {
                    host.disconnect().await?;
                    host.connect().await?;
                    host.settle().await?;
                    host.reset().await?;
                }
                outcome => return outcome,
            }
        }
    })
}

#[test]
fn power_up_is_sound_on_every_schedule() {
    for does in [Does::Reads, Does::PlugsIn, Does::Wiggles, Does::PullsInMidTransfer, Does::EnumeratesTwice] {
        let verdict = Cable::new(Wrong::Nothing, does).explore();
        assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    }
}

#[test]
fn verdict_without_memory_of_states_is_the_same() {
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    for wrong in [Wrong::Nothing, Wrong::ClockNotAwaited, Wrong::NoPowerReady] {
        let program = Cable::new(wrong, Does::Resets);
        let (with, without) = (program.explore(), stepped::explore(&program, limits).verdict);
        println!("{wrong:?}, without: {without}");
        assert_eq!(with.kind(), without.kind(), "{with}; {without}");
    }
}

/// Expects that the firmware which gets this wrong breaks this rule.
#[track_caller]
fn assert_breaks(program: &Cable, rule: Rule) {
    let verdict = program.explore();
    assert_eq!(verdict.kind(), Kind::Violation(rule), "{:?}: {verdict}", program.wrong);
}

#[test]
fn pull_up_without_the_crystal_is_found() {
    for wrong in [Wrong::NoClock, Wrong::ClockNotAwaited, Wrong::AnyOscillator] {
        assert_breaks(&Cable::new(wrong, Does::Reads), Rule::PullUpWithoutClock);
    }
}

#[test]
fn pull_up_before_the_regulator_has_settled_is_found() {
    assert_breaks(&Cable::new(Wrong::NoPowerReady, Does::Reads), Rule::PullUpBeforePowerReady);
    assert_breaks(&Cable::new(Wrong::StaleEvent, Does::Wiggles), Rule::PullUpBeforePowerReady);
    // Without a second power-up the event of before does not matter.
    let verdict = Cable::new(Wrong::StaleEvent, Does::Reads).explore();
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}

#[test]
fn power_up_without_vbus_is_found() {
    assert_breaks(&Cable::new(Wrong::NoVbus, Does::PlugsIn), Rule::EnableWithoutVbus);
}

/// Expects that the device is never seen again.
#[track_caller]
fn assert_is_missed(program: &Cable) {
    let Verdict::Deadlock { message, .. } = program.explore() else {
        panic!("{:?}: the host finds a device", program.wrong);
    };
    assert!(message.contains("no device"), "{message}");
}

#[test]
fn device_that_misses_the_cable_is_missed_by_the_host() {
    assert_is_missed(&Cable::new(Wrong::EventOnly, Does::Reads));
    let verdict = Cable::new(Wrong::EventOnly, Does::PlugsIn).explore();
    assert_eq!(verdict.kind(), Kind::Sound, "where there is an event: {verdict}");
    assert_is_missed(&Cable::new(Wrong::ComesUpOnce, Does::PullsInMidTransfer));
}

/// The same firmware, as silicon would have it: nobody reports it, and it does not work.
#[test]
fn device_without_the_crystal_answers_no_host() {
    let program = Cable { policy: Policy::Collect, ..Cable::new(Wrong::NoClock, Does::Reads) };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    let Verdict::Assertion { message, .. } = &run.verdict else {
        panic!("{}", run.verdict);
    };
    assert!(message.contains("SETUP") && message.contains("3 tries"), "{message}");
    assert_eq!(run.violations.first().map(|violation| violation.misuse.rule), Some(Rule::PullUpWithoutClock));
}

/// Enumerates, pulls the cable in the middle of a control read, plugs it in again and enumerates once more.
fn enumerates_twice(mut host: Host) -> Script {
    Box::pin(async move {
        host.reset().await?;
        read(&mut host).await?;
        host.set_address(5).await?;
        host.setup(READ).await?;
        host.disconnect().await?;
        match host.packet_in(true).await {
            Err(HostError::NoAnswer { tries: 3, .. }) => {}
            other => return Err(HostError::Unexpected(format!("the cable is pulled, and IN gives {other:?}"))),
        }
        host.settle().await?;
        host.connect().await?;
        host.reset().await?;
        read(&mut host).await?;
        host.set_address(6).await?;
        read(&mut host).await
    })
}

#[test]
fn immediate_and_seeded_schedules_and_threads_are_sound() {
    let program = Cable::new(Wrong::Nothing, Does::EnumeratesTwice);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "immediate: {}", run.verdict);
    for seed in 0..50 {
        let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
    }
    let run = threads::run(&program, None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
}

#[test]
fn power_up_is_in_the_trace_in_its_order() {
    let program = Cable::new(Wrong::Nothing, Does::PlugsIn);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(1))), Some(Keep::Order));
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    let text = timeline::render(&run.trace);
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing: {text}"));
    let order = ["plugged in", "POWER.USBREGSTATUS -> 0x1", "ENABLE <- 0x1", "CLOCK.TASKS_HFCLKSTART <- 0x1"];
    assert!(order.map(place).is_sorted(), "{text}");
    for before in ["READY", "HFXO runs", "the USB regulator has settled"] {
        assert!(place(before) < place("USBPULLUP <- 0x1"), "{before}: {text}");
    }
}

#[test]
fn driver_works_where_vbus_and_crystal_are_always_there() {
    struct Always(Cable);
    impl Program for Always {
        fn name(&self) -> String {
            "always".to_owned()
        }

        fn config(&self) -> Config {
            Config::default()
        }

        fn firmware<B: Board>(&self, board: B) {
            self.0.firmware(board);
        }

        fn host(&self, host: Host) -> Script {
            self.0.host(host)
        }
    }
    let program = Always(Cable::new(Wrong::Nothing, Does::Reads));
    let exploration = stepped::explore(&program, Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
}
