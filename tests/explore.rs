//! `Ep0In` on every schedule: reset, new SETUP, early status, double start.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::map;
use dma_api::usb::Setup;
use sim_core::check::firmware;
use sim_core::check::programs::{BackToBack, Device, Try, begin_control_read, connect};
use sim_core::device::usbd::{EndOnReset, Options, Token};
use sim_core::explore::replay::{Recording, ReplayError};
use sim_core::explore::scheduler::{Immediate, Seeded, Timed, Timing};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict, threads};
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};

#[path = "explore/bootloader.rs"]
mod bootloader;
#[path = "explore/bounds.rs"]
mod bounds;
#[path = "explore/endless.rs"]
mod endless;

const WEAK: Fences = Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Compiler };

#[test]
fn endpoint_zero_is_sound_against_every_host_on_every_schedule() {
    for host in Try::ALL {
        for length in [1, 8, 18] {
            let program = Device::new(host, length);
            let exploration = stepped::explore(&program, Limits::default());
            println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
            assert_eq!(exploration.verdict.kind(), Kind::Sound, "{}", exploration.verdict);
        }
    }
}

#[test]
fn verdict_without_memory_of_states_is_the_same() {
    // Every schedule, run to its end: nothing hides behind the states.
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    let sound = Fences::right(Machine::CortexM7);
    for (packets, length, fences) in
        [(1, 1, sound), (1, 4, sound), (1, 8, sound), (1, 4, WEAK), (1, 4, Fences { start: Strength::Full, ..WEAK })]
    {
        let program = BackToBack { packets, length, fences };
        let with = stepped::explore(&program, Limits::default());
        let without = stepped::explore(&program, limits);
        println!("{}: {}; with states {}", program.name(), without.verdict, with.verdict);
        assert_eq!(with.verdict.kind(), without.verdict.kind(), "{}", without.verdict);
        assert!(with.verdict.executions() <= without.verdict.executions());
    }
}

#[test]
fn schedules_that_are_bounded_are_inconclusive_and_not_sound() {
    let limits = Limits { schedules: 5, ..Limits::default() };
    let verdict = stepped::explore(&Device::new(Try::Reset, 8), limits).verdict;
    assert!(matches!(verdict, Verdict::Inconclusive { executions: 5, .. }), "{verdict}");
}

#[test]
fn immediate_and_seeded_schedules_and_threads_are_sound() {
    for host in Try::ALL {
        let program = Device::new(host, 18);
        let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "immediate: {}", run.verdict);
        for seed in 0..200 {
            let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
        }
        for _ in 0..20 {
            let run = threads::run(&program, None);
            assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
        }
    }
}

#[test]
fn missing_fence_is_found_on_threads_too() {
    for fences in [WEAK, Fences { start: Strength::Full, ..WEAK }] {
        let run = threads::run(&BackToBack { packets: 2, length: 64, fences }, None);
        assert_eq!(run.verdict.kind(), Kind::Race, "{}", run.verdict);
    }
}

#[test]
fn race_replays_to_the_same_race() {
    let program = BackToBack { packets: 2, length: 8, fences: WEAK };
    let Verdict::Race(found) = stepped::explore(&program, Limits::default()).verdict else {
        panic!("a compiler_fence on a Cortex-M7 is no race");
    };
    let text = found.violation.replay.clone().expect("the stepped explorer can replay");
    let recording: Recording = text.parse().expect("it was printed just now");
    let run = stepped::replay(&program, &recording).expect("the program is the same");
    let Verdict::Race(again) = run.verdict else {
        panic!("the replay is no race: {}", run.verdict);
    };
    assert_eq!(again.violation, found.violation);
    assert!(!run.trace.entries().is_empty(), "a replay shows what happened");
}

#[test]
fn replay_of_another_program_is_refused() {
    let program = BackToBack { packets: 2, length: 8, fences: WEAK };
    let recording = Recording { program: program.name(), choices: vec![0; 4] };
    let other = BackToBack { packets: 1, ..program };
    let error = stepped::replay(&other, &recording).expect_err("another program");
    assert!(matches!(error, ReplayError::OtherProgram { .. }), "{error}");
}

#[test]
fn replay_that_does_not_fit_the_program_is_refused() {
    let program = Device::new(Try::Reset, 8);
    for choices in [vec![], vec![0, 9], vec![0; 1000]] {
        let recording = Recording { program: program.name(), choices };
        let error = stepped::replay(&program, &recording).expect_err("these are not its choices");
        assert!(matches!(error, ReplayError::Diverged(_)), "{error}");
    }
}

#[test]
fn reset_that_swallows_the_end_leaves_the_endpoint_busy_and_is_found() {
    // A limit that `Ep0In` states: the datasheet does not say whether END follows. If it does not, the buffer stays
    // lent, and the host waits for an answer that cannot be sent.
    let options = Options { end_on_reset: EndOnReset::Never, ..Options::default() };
    let program = Device { config: Config { options, ..Config::default() }, ..Device::new(Try::Reset, 8) };
    let verdict = stepped::explore(&program, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
}

/// A host that asks for 4 bytes, and then, without waiting, for 8.
struct AsksForMore;

impl Program for AsksForMore {
    fn name(&self) -> String {
        "asks-for-more".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        firmware::serve(board);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.token(Token::Setup(Setup::get_device_descriptor(4).to_bytes())).await?;
            match host.control_in(Setup::get_device_descriptor(8)).await {
                Ok(bytes) if bytes.len() == 8 => Ok(()),
                // The driver has noticed: a host asks again.
                Err(HostError::Stalled { .. }) => Ok(()),
                Ok(bytes) => Err(HostError::Unexpected(format!("the old answer, {} bytes", bytes.len()))),
                Err(error) => Err(error),
            }
        })
    }
}

#[test]
fn new_setup_can_be_given_the_old_answer_as_the_driver_says() {
    // The window that `Ep0In` names as a limit of the hardware. If it closes one day, the documentation is to follow.
    let verdict = stepped::explore(&AsksForMore, Limits::default()).verdict;
    let Verdict::Assertion { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    assert_eq!(message, "the host: the old answer, 4 bytes");
}

/// Firmware that polls for an event which nobody sends.
struct Waits;

impl Program for Waits {
    fn name(&self) -> String {
        "waits".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = firmware::connect(board.clone());
        while !board.host_is_done() {}
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.control_in(Setup::get_device_descriptor(8)).await.map(drop)
        })
    }
}

#[test]
fn device_that_never_answers_is_a_deadlock_that_names_both_sides() {
    let verdict = stepped::explore(&Waits, Limits::default()).verdict;
    let Verdict::Deadlock { message, .. } = &verdict else {
        panic!("{verdict}");
    };
    let expected = "IN at address 0, endpoint 0, was answered with NAK for 5000 ms: \
                    the firmware waits for the host; the engine is idle";
    assert_eq!(message, expected);
}

/// Firmware that touches a register before READY.
struct Impatient;

impl Program for Impatient {
    fn name(&self) -> String {
        "impatient".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut usbd = dma_api::nrf52840::usbd::Usbd::new(board);
        usbd.power_up();
        // Not waited for: a race with the power-up, which most schedules win.
        let _ = usbd.is_ready();
        usbd.connect();
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn access_before_ready_is_found_on_the_schedule_that_has_it() {
    let run = stepped::run(&Impatient, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "where power-up takes no time, nothing is seen");
    let verdict = stepped::explore(&Impatient, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Violation(Rule::AccessBeforeReady), "{verdict}");
}

/// Firmware that waits for what never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollsForever {
    /// It reads one register.
    Reads,
    /// It writes another one meanwhile.
    Writes,
    /// It reads one of POWER, which never changes where the supply is not modelled.
    ReadsPower,
}

impl Program for PollsForever {
    fn name(&self) -> String {
        format!("polls-forever:{self:?}")
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        while *self == Self::ReadsPower && !board.power().is_removed() {}
        while !dma_api::nrf52840::usbd::Usbd::new(board.clone()).is_ready() {
            if *self == Self::Writes {
                // SAFETY:
                // - The write starts no transfer.
                unsafe { board.write(map::events_sof(), 0) };
            }
        }
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn firmware_that_polls_forever_is_a_deadlock_on_threads_and_stepped() {
    for program in [PollsForever::Reads, PollsForever::Writes, PollsForever::ReadsPower] {
        let verdict = stepped::explore(&program, Limits::default()).verdict;
        assert_eq!(verdict.kind(), Kind::Deadlock, "{program:?}: {verdict}");
    }
    // Six seconds of real time, in which nothing happens but what the firmware does.
    let run = threads::run(&PollsForever::Writes, None);
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
}

/// A driver with a buffer on its stack, and a guard that waits for the end before the frame goes.
struct StackBuffer;

/// Takes the buffer back when the DMA has ended.
struct Guard<'a, B: Board>(&'a B, Region);

impl<B: Board> Drop for Guard<'_, B> {
    fn drop(&mut self) {
        while self.0.read(map::events_endepout(0)) == 0 {}
        // SAFETY:
        // - `release` was called with this region, and the DMA has ended: the event was read.
        unsafe { self.0.acquire(self.1) };
    }
}

impl Program for StackBuffer {
    fn name(&self) -> String {
        "stack-buffer".to_owned()
    }

    fn config(&self) -> Config {
        Config { options: Options::ideal(), ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut buffer = [0; 64];
        let region = Region { pointer: buffer.as_mut_ptr(), length: 64, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - The region is valid, and left alone, until `acquire`: the guard sees to it before the frame goes.
        let address = unsafe { board.release(region) };
        let guard = Guard(&board, region);
        for (offset, value) in [(map::epout_ptr(0), address.get()), (map::epout_maxcnt(0), 64)] {
            // SAFETY:
            // - These writes start nothing.
            unsafe { board.write(offset, value) };
        }
        // SAFETY:
        // - The memory was released above. (There is no packet: the rule that is broken, in mid-transfer.)
        unsafe { board.write(map::tasks_startepout(0), 1) };
        drop(guard);
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn violation_with_a_buffer_on_the_stack_and_a_guard_is_reported_and_touches_nothing() {
    let expected = Kind::Violation(Rule::StartWithoutPacket);
    let verdict = stepped::explore(&StackBuffer, Limits::default()).verdict;
    assert_eq!(verdict.kind(), expected, "{verdict}");
    for _ in 0..500 {
        // The frame goes while the engine's thread may be about to write it: under a sanitizer, or by luck, a crash.
        let run = threads::run(&StackBuffer, None);
        assert_eq!(run.verdict.kind(), expected, "{}", run.verdict);
    }
}

/// Firmware that does not wait for the end of a transfer, but looks at four registers, and goes on.
struct Hopes;

impl Program for Hopes {
    fn name(&self) -> String {
        "hopes".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        // SAFETY:
        // - The writes start a transfer of 0 bytes, which uses no memory.
        let write = |offset, value| unsafe { board.write(offset, value) };
        write(map::epin_maxcnt(0), 0);
        write(map::dmalatch(), map::DMALATCH_RUNNING);
        write(map::tasks_startepin(0), 1);
        let events = [map::events_sof(), map::events_usbreset(), map::events_ep0setup(), map::events_usbevent()];
        for event in events {
            board.read(event);
        }
        write(map::dmalatch(), 0);
        board.read(map::size_epout(1));
    }

    fn host(&self, _host: Host) -> Script {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn transfer_that_is_slow_enough_is_not_over_when_nobody_waits() {
    let run = |timing| stepped::run(&Hopes, &Rc::new(RefCell::new(Timed::new(timing))), None).verdict;
    let quick = run(Timing { access: 2, latch: 1, beat: 1, ..Timing::default() });
    assert_eq!(quick.kind(), Kind::Sound, "{quick}");
    for slow in [Timing { latch: 100, ..Timing::default() }, Timing { beat: 100, ..Timing::default() }] {
        let verdict = run(slow);
        assert!(matches!(verdict.kind(), Kind::Violation(_)), "{slow:?}: {verdict}");
    }
}

/// Firmware that powers up a controller which a bootloader has left on.
struct PowersUpAgain;

impl Program for PowersUpAgain {
    fn name(&self) -> String {
        "powers-up-again".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        connect(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut usbd = dma_api::nrf52840::usbd::Usbd::new(board);
        usbd.power_up();
        while !usbd.is_ready() {}
        usbd.connect();
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.reset().await })
    }
}

#[test]
fn controller_that_a_bootloader_has_left_on_is_powered_up_anew() {
    let verdict = stepped::explore(&PowersUpAgain, Limits::default()).verdict;
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
}
