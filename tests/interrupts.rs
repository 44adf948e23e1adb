//! Interrupt handlers on every schedule: sharing, masking, sleeping, clearing.
//!
//! Each program is right, or makes one mistake that interrupts invite, which is then found.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::Location;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::{Endpoints, Engine, Ep0In, Event, PacketBuffer, Usbd, map};
use dma_api::usb::Setup;
use sim_core::check::interrupt::{self, EVENTS, InterruptDevice};
use sim_core::check::programs::{Device, Try, begin_control_read};
use sim_core::check::{firmware, programs::BackToBack};
use sim_core::explore::replay::Recording;
use sim_core::explore::scheduler::{Exhaustive, Immediate, Seeded};
use sim_core::explore::stepped::{self, Limits};
use sim_core::explore::{Board, Kind, Program, Verdict, model, threads};
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::Rule;
use sim_core::soc::{Config, Soc};
use sim_core::statics;
use sim_core::trace::{Record, timeline};

fn explore(program: &impl Program) -> Verdict {
    let exploration = stepped::explore(program, Limits::default());
    println!("{}: {} states; {}", program.name(), exploration.states, exploration.verdict);
    exploration.verdict
}

fn expect_sound(program: &(impl Program + Sync)) {
    let verdict = explore(program);
    assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    for _ in 0..20 {
        let run = threads::run(program, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "threads: {}", run.verdict);
    }
}

/// The message of a deadlock or an assertion.
fn message(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Deadlock { message, .. } | Verdict::Assertion { message, .. } => message,
        other => panic!("{other}"),
    }
}

/// Clears an event, by hand.
fn clear(board: &impl Board, event: u16) {
    // SAFETY:
    // - The write starts nothing: it clears an event.
    unsafe { board.write(event, 0) };
}

#[test]
fn endpoint_zero_by_interrupts_is_sound_against_every_host_on_every_schedule() {
    for host in Try::ALL {
        for length in [1, 18] {
            let verdict = explore(&InterruptDevice(Device::new(host, length)));
            assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
        }
    }
}

#[test]
fn endpoint_zero_by_interrupts_is_sound_at_once_at_random_and_on_threads() {
    for host in Try::ALL {
        let program = InterruptDevice(Device::new(host, 18));
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

/// As `InterruptDevice`, but the handler takes one event a run.
struct TakesOne;

impl Program for TakesOne {
    fn name(&self) -> String {
        "takes-one".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, EVENTS);
        let in_handler = ep0in.clone();
        let handler = move || {
            let mut ep0in = in_handler.borrow_mut();
            if let Some(Event::Setup(setup)) = ep0in.next_event() {
                firmware::answer(&mut ep0in, setup);
            }
        };
        board.with_interrupt(handler, || interrupt::sleep(&board, &ep0in));
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        Device::new(Try::Reset, 1).host(host)
    }
}

#[test]
fn setup_that_was_read_together_with_a_reset_is_lost_by_a_handler_that_takes_one_event() {
    let verdict = explore(&TakesOne);
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    let expected = "the firmware sleeps until EVENTS_USBRESET or EVENTS_EP0DATADONE or EVENTS_EP0SETUP";
    assert!(message(&verdict).contains(expected), "{verdict}");
}

/// How a main program goes about a handler that leaves it something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Main {
    /// Looks, and sleeps if there is nothing, in one critical section.
    Right,
    /// Looks in a critical section, and sleeps after it.
    SleepsOutside,
    /// Uses the driver outside of a critical section.
    AnswersOutside,
}

/// The handler takes events, the main program answers.
struct Deferred(Main);

impl Program for Deferred {
    fn name(&self) -> String {
        format!("deferred:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, EVENTS);
        let inbox = Rc::new(Cell::new(None));
        let handler = {
            let (ep0in, inbox) = (ep0in.clone(), inbox.clone());
            move || {
                let mut ep0in = ep0in.borrow_mut();
                while let Some(event) = ep0in.next_event() {
                    match event {
                        Event::Setup(setup) => inbox.set(Some(setup)),
                        Event::Reset => inbox.set(None),
                        _ => {}
                    }
                }
            }
        };
        let answer = |setup: Setup| firmware::answer(&mut ep0in.borrow_mut(), setup);
        board.with_interrupt(handler, || {
            loop {
                board.checkpoint(&(&ep0in, inbox.get()));
                if board.host_is_done() {
                    break;
                }
                match self.0 {
                    Main::Right => board.critical_section(|| match inbox.take() {
                        Some(setup) => answer(setup),
                        None => board.wait_for_interrupt(),
                    }),
                    Main::SleepsOutside => match board.critical_section(|| inbox.take()) {
                        Some(setup) => board.critical_section(|| answer(setup)),
                        None => board.wait_for_interrupt(),
                    },
                    Main::AnswersOutside => match board.critical_section(|| inbox.take()) {
                        Some(setup) => answer(setup),
                        None => board.critical_section(|| {
                            if inbox.get().is_none() {
                                board.wait_for_interrupt();
                            }
                        }),
                    },
                }
            }
        });
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        Device::new(Try::DoubleStart, 8).host(host)
    }
}

#[test]
fn event_between_look_and_sleep_is_not_lost_in_a_critical_section() {
    expect_sound(&Deferred(Main::Right));
}

#[test]
fn event_between_look_and_sleep_is_lost_outside_of_a_critical_section() {
    let verdict = explore(&Deferred(Main::SleepsOutside));
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_USBRESET"), "{verdict}");
}

#[test]
fn driver_that_is_used_outside_of_a_critical_section_is_borrowed_twice() {
    let verdict = explore(&Deferred(Main::AnswersOutside));
    assert_eq!(verdict.kind(), Kind::Assertion, "{verdict}");
    assert!(message(&verdict).contains("already borrowed"), "{verdict}");
}

/// Main program and handler have an engine each, which a safe program cannot have on the chip: whoever makes a second bus
/// vouches that there is one. Every transfer is waited for, so a critical section around each is enough.
struct TwoEngines {
    masked: bool,
}

impl Program for TwoEngines {
    fn name(&self) -> String {
        format!("two-engines:{}", self.masked)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        soc.cpu_write(map::inten(), map::inten::SOF.mask(), Location::caller());
    }

    fn firmware<B: Board>(&self, board: B) {
        let engine = || Engine::new(Usbd::new(board.clone()), statics::packet_buffer());
        let (mut mine, Endpoints { epin: [_, mut mine_in, ..], .. }) = engine();
        let (mut theirs, Endpoints { epin: [mut theirs_in, ..], .. }) = engine();
        mine_in.open(&mut mine);
        theirs_in.open(&mut theirs);
        let bus = board.clone();
        let handler = move || {
            clear(&bus, map::events_sof());
            theirs_in.write(&mut theirs, &[1]).expect("the frame is the first");
        };
        board.with_interrupt(handler, || {
            let mut write = || mine_in.write(&mut mine, &[2]).expect("it is the only one");
            if self.masked { board.critical_section(write) } else { write() }
        });
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(1).await })
    }
}

#[test]
fn engine_that_is_shared_without_a_critical_section_is_started_while_it_runs() {
    let verdict = explore(&TwoEngines { masked: false });
    assert_eq!(verdict.kind(), Kind::Violation(Rule::StartWhileBusy), "{verdict}");
}

#[test]
fn engine_that_is_shared_in_critical_sections_is_sound() {
    expect_sound(&TwoEngines { masked: true });
}

/// What a handler does about SOF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFrame {
    Clears,
    ClearsNothing,
    Sleeps,
}

/// Firmware that counts frames in its handler, up to two.
struct Frames(OnFrame);

impl Program for Frames {
    fn name(&self) -> String {
        format!("frames:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
        soc.cpu_write(map::inten(), map::inten::SOF.mask(), Location::caller());
    }

    fn firmware<B: Board>(&self, board: B) {
        let seen = Rc::new(Cell::new(false));
        let (bus, in_handler, on_frame) = (board.clone(), seen.clone(), self.0);
        let handler = move || {
            assert_eq!(bus.read(map::events_sof()), 1, "the line is a level");
            in_handler.set(true);
            match on_frame {
                OnFrame::Clears => clear(&bus, map::events_sof()),
                OnFrame::ClearsNothing => {}
                OnFrame::Sleeps => bus.wait_for_interrupt(),
            }
        };
        board.with_interrupt(handler, || while !board.critical_section(|| seen.get()) {});
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(2).await })
    }
}

#[test]
fn handler_that_clears_its_event_is_sound_and_seen_by_a_loop_of_critical_sections() {
    expect_sound(&Frames(OnFrame::Clears));
}

#[test]
fn handler_that_clears_nothing_is_a_storm_on_threads_and_stepped() {
    let verdict = explore(&Frames(OnFrame::ClearsNothing));
    assert_eq!(verdict.kind(), Kind::Violation(Rule::InterruptStorm), "{verdict}");
    assert!(verdict.to_string().contains("returned with EVENTS_SOF set and enabled"), "{verdict}");
    // Six seconds of real time.
    let run = threads::run(&Frames(OnFrame::ClearsNothing), None);
    assert_eq!(run.verdict.kind(), Kind::Violation(Rule::InterruptStorm), "{}", run.verdict);
}

#[test]
fn handler_that_sleeps_is_a_deadlock_on_threads_and_stepped() {
    let verdict = explore(&Frames(OnFrame::Sleeps));
    assert!(message(&verdict).starts_with("the handler sleeps"), "{verdict}");
    let run = threads::run(&Frames(OnFrame::Sleeps), None);
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
}

/// Firmware that sleeps until a frame has begun, and then sends a packet.
struct SendsAfterFrame;

impl Program for SendsAfterFrame {
    fn name(&self) -> String {
        "sends-after-frame".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        Frames(OnFrame::Clears).prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
        let bus = board.clone();
        board.with_interrupt(move || clear(&bus, map::events_sof()), || board.wait_for_interrupt());
        ep0in.start(&[7]).expect("it is the first");
        while ep0in.end().is_err() {}
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.wait_frames(1).await?;
            host.packet_in(true).await.map(drop)
        })
    }
}

#[test]
fn sleep_ends_when_the_handler_has_run() {
    expect_sound(&SendsAfterFrame);
}

#[test]
fn verdicts_without_memory_of_states_are_the_same() {
    let limits = Limits { visit_states_once: false, ..Limits::default() };
    for on_frame in [OnFrame::Clears, OnFrame::ClearsNothing, OnFrame::Sleeps] {
        let with = explore(&Frames(on_frame));
        let without = stepped::explore(&Frames(on_frame), limits).verdict;
        assert_eq!(with.kind(), without.kind(), "{without}");
        assert!(with.executions() <= without.executions());
    }
    for masked in [false, true] {
        let without = stepped::explore(&TwoEngines { masked }, limits).verdict;
        assert_eq!(explore(&TwoEngines { masked }).kind(), without.kind(), "{without}");
    }
}

/// What a main program and a handler have seen: each keeps what the count was, and what it has read.
type Outcome = (Vec<u32>, Vec<u32>);

/// A main program and a handler that do the same accesses at the same lines, and share a count. The main program looks at
/// it wherever it can be interrupted.
#[derive(Default)]
struct Outcomes {
    checkpoints: bool,
    last: RefCell<Outcome>,
}

/// What both read: for the explorer, one poll.
fn frame(board: &impl Board) -> u32 {
    board.read(map::framecntr())
}

impl Outcomes {
    fn handler<B: Board>(&self, board: B, count: Rc<Cell<u32>>, log: Rc<RefCell<Vec<u32>>>) -> impl FnMut() + 'static {
        let checkpoints = self.checkpoints;
        move || {
            if checkpoints {
                board.checkpoint(&(&count, &log));
            }
            count.set(count.get() + 1);
            log.borrow_mut().push(frame(&board));
            // Every other run leaves the line asserted: the next comes before the main program goes on.
            if count.get().is_multiple_of(2) {
                clear(&board, map::events_sof());
            }
        }
    }

    fn main<B: Board>(board: &B, count: &Cell<u32>) -> Vec<u32> {
        let mut seen = Vec::new();
        let mut look = |value: u32| {
            let count = count.get();
            assert!(count.is_multiple_of(2), "the event is not cleared, and the main program goes on");
            seen.push(10 * count + value);
        };
        look(0);
        look(frame(board));
        look(frame(board));
        clear(board, map::events_sof());
        look(0);
        let (outside, inside) = board.critical_section(|| {
            let before = count.get();
            (before, frame(board) + count.get() - before)
        });
        look(outside);
        look(inside);
        let mut memory = [0; 4];
        let region = Region { pointer: memory.as_mut_ptr(), length: 4, direction: Direction::MemoryToDevice };
        for _ in 0..2 {
            // SAFETY:
            // - The region is valid and left alone until `acquire`, below.
            unsafe { board.release(region) };
            look(0);
            // SAFETY:
            // - It was released above, and no transfer was started.
            unsafe { board.acquire(region) };
            look(0);
        }
        let before = count.get();
        board.wait_for_interrupt();
        let has_run = count.get() > before;
        look(u32::from(has_run));
        assert!(
            has_run || board.read(map::events_sof()) == 0,
            "the event that wakes is served before the sleep returns"
        );
        seen
    }
}

impl Program for Outcomes {
    fn name(&self) -> String {
        "outcomes".to_owned()
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        Frames(OnFrame::Clears).prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let (count, log) = (Rc::<Cell<u32>>::default(), Rc::<RefCell<Vec<u32>>>::default());
        let handler = self.handler(board.clone(), count.clone(), log.clone());
        let seen = board.with_interrupt(handler, || Self::main(&board, &count));
        *self.last.borrow_mut() = (seen, log.take());
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.wait_frames(3).await })
    }
}

/// The outcomes of all schedules that were not cut off, and how many schedules there were.
fn outcomes(checkpoints: bool, visits_once: bool) -> (BTreeSet<Outcome>, usize) {
    let program = Outcomes { checkpoints, ..Outcomes::default() };
    let scheduler = Rc::new(RefCell::new(Exhaustive::new(visits_once)));
    let (mut seen, mut schedules) = (BTreeSet::new(), 0);
    loop {
        let run = stepped::run(&program, &scheduler, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
        schedules += 1;
        if !scheduler.borrow().was_cut() {
            seen.insert(program.last.take());
        }
        if !scheduler.borrow_mut().advance() {
            return (seen, schedules);
        }
    }
}

#[test]
fn outcomes_with_memory_of_states_are_those_without() {
    let (all, schedules) = outcomes(false, false);
    for checkpoints in [false, true] {
        let (seen, fewer) = outcomes(checkpoints, true);
        println!("{} outcomes in {schedules} schedules, in {fewer} with memory", all.len());
        assert_eq!(seen, all);
        assert!(fewer < schedules);
    }
    let woken = |(main, _): &&Outcome| main.last().is_some_and(|last| last % 10 == 1);
    assert!(all.iter().any(|outcome| woken(&outcome)), "some sleep until the handler has run");
    // The frame has begun, the main program has read its number twice, and only then the handler reads it: a third read at
    // one line, but no poll that waits for the next frame.
    let late = |(main, handler): &Outcome| main[1] == 1 && main[2] == 1 && handler.first() == Some(&1);
    assert!(all.iter().any(late), "some handlers come late");
    // After the critical section come two fences, twice, and no register access.
    for look in 5..9 {
        let is_interrupted = |(main, _): &Outcome| main[look] / 10 < main[look + 1] / 10;
        assert!(all.iter().any(is_interrupted), "some handlers come between look {look} and the next");
    }
}

#[test]
fn storm_replays_to_the_same_storm_and_the_timeline_shows_the_handler() {
    let program = Frames(OnFrame::ClearsNothing);
    let Verdict::Violation(found) = explore(&program) else {
        panic!("a handler that clears nothing is no storm");
    };
    let text = found.violation.replay.clone().expect("the stepped explorer can replay");
    let recording: Recording = text.parse().expect("it was printed just now");
    let run = stepped::replay(&program, &recording).expect("the program is the same");
    let Verdict::Violation(again) = run.verdict else {
        panic!("the replay is no storm: {}", run.verdict);
    };
    assert_eq!(again.violation, found.violation);
    assert!(timeline::render(&run.trace).contains("interrupt: the handler runs"));
}

#[test]
fn handler_and_sleep_are_noted_in_pairs_on_threads_and_stepped() {
    let program = InterruptDevice(Device::new(Try::ControlRead, 8));
    let keep = Some(sim_core::trace::Keep::Order);
    let stepped = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(1))), keep).trace;
    let threads = threads::run(&program, keep).trace;
    for trace in [stepped, threads] {
        let noted = |wanted: &dyn Fn(&Record) -> Option<bool>| -> Vec<bool> {
            trace.entries().iter().filter_map(|entry| wanted(&entry.record)).collect()
        };
        let handler = noted(&|record| if let Record::Handler { running } = record { Some(*running) } else { None });
        let sleep = noted(&|record| if let Record::Sleep { asleep } = record { Some(*asleep) } else { None });
        for noted in [handler, sleep] {
            assert!(!noted.is_empty() && noted.chunks(2).all(|pair| pair == [true, false]), "{noted:?}");
        }
    }
}

/// Firmware that sleeps, with these events enabled, and answers nobody.
struct Sleeps {
    events: u32,
}

impl Program for Sleeps {
    fn name(&self) -> String {
        format!("sleeps:{:x}", self.events)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = interrupt::connect(&board, self.events);
        let in_handler = ep0in.clone();
        let handler = move || while in_handler.borrow_mut().next_event().is_some() {};
        board.with_interrupt(handler, || interrupt::sleep(&board, &ep0in));
        interrupt::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.reset().await?;
            host.control_in(Setup::get_device_descriptor(8)).await.map(drop)
        })
    }
}

#[test]
fn sleep_that_nothing_can_end_is_a_deadlock_that_says_so_on_threads_and_stepped() {
    let expected = "the firmware sleeps, and INTEN enables no event to wake it \
                    (set, and not enabled: EVENTS_USBRESET, EVENTS_USBEVENT, EVENTS_EP0SETUP); the engine is idle";
    let verdict = explore(&Sleeps { events: 0 });
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).ends_with(expected), "{verdict}");
    // Five seconds of real time: the host's patience.
    let run = threads::run(&Sleeps { events: 0 }, None);
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
    assert!(message(&run.verdict).ends_with(expected), "{}", run.verdict);
}

#[test]
fn handler_that_answers_nothing_is_a_deadlock_that_names_what_is_waited_for() {
    let verdict = explore(&Sleeps { events: EVENTS });
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_USBRESET or"), "{verdict}");
}

/// In which order a handler clears EVENTS_EPDATA and the bits of EPDATASTATUS that raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    EventFirst,
    StatusFirst,
}

/// Firmware that takes what comes to endpoint 1, a packet an interrupt.
struct Receiver(Clear);

impl Program for Receiver {
    fn name(&self) -> String {
        format!("receiver:{:?}", self.0)
    }

    fn config(&self) -> Config {
        Config::default()
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let buffer: &'static mut PacketBuffer = statics::packet_buffer();
        let (mut engine, mut endpoints) = Engine::new(Usbd::new(board.clone()), buffer);
        endpoints.epout[0].open(&mut engine);
        engine.usbd().listen(map::inten::EPDATA.mask());
        // The host waits for this: from here on the endpoint is open.
        endpoints.control.write(&mut engine, &[0], true).expect("it is the only packet");
        let shared = Rc::new(RefCell::new((engine, endpoints)));
        let (bus, in_handler, order) = (board.clone(), shared.clone(), self.0);
        let handler = move || {
            let (engine, endpoints) = &mut *in_handler.borrow_mut();
            bus.checkpoint(&(&*engine, &*endpoints));
            if order == Clear::EventFirst {
                engine.usbd().take_epdata();
            }
            let mut bytes = [0; map::PACKET_SIZE];
            // None, if the packet came after the last look and before the event was cleared.
            let _ = endpoints.epout[0].read(engine, &mut bytes);
            if order == Clear::StatusFirst {
                engine.usbd().take_epdata();
            }
        };
        board.with_interrupt(handler, || {
            while !board.host_is_done() {
                board.wait_for_interrupt();
                board.checkpoint(&shared);
            }
        });
        let (engine, endpoints) = Rc::into_inner(shared).expect("the handler is gone").into_inner();
        let (_, buffer) = engine.into_parts(endpoints);
        statics::give_back(buffer);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            host.packet_in(true).await?;
            for packet in 0..3 {
                host.bulk_out(1, &[packet]).await?;
            }
            Ok(())
        })
    }
}

#[test]
fn event_that_is_cleared_before_its_causes_is_raised_again_by_the_next() {
    expect_sound(&Receiver(Clear::EventFirst));
}

#[test]
fn event_that_is_cleared_after_its_causes_loses_the_next() {
    let verdict = explore(&Receiver(Clear::StatusFirst));
    assert_eq!(verdict.kind(), Kind::Deadlock, "{verdict}");
    assert!(message(&verdict).contains("the firmware sleeps until EVENTS_EPDATA"), "{verdict}");
}

/// As `BackToBack`: the main program starts a packet, the handler ends it.
#[derive(Clone)]
struct BackToBackByInterrupt(BackToBack);

impl Program for BackToBackByInterrupt {
    fn name(&self) -> String {
        format!("interrupt-{}", self.0.name())
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn prepare(&self, soc: &mut Soc) {
        self.0.prepare(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let ep0in = Ep0In::new(Usbd::new(board.clone()), statics::packet_buffer());
        ep0in.usbd().listen(map::inten::EP0DATADONE.mask());
        let (ep0in, done) = (Rc::new(RefCell::new(ep0in)), Rc::new(Cell::new(true)));
        let (in_handler, ended) = (ep0in.clone(), done.clone());
        let handler = move || ended.set(in_handler.borrow_mut().end().is_ok());
        board.with_interrupt(handler, || {
            for packet in 0..self.0.packets {
                let bytes = [packet; map::PACKET_SIZE];
                board.critical_section(|| {
                    done.set(false);
                    ep0in.borrow_mut().start(&bytes[..usize::from(self.0.length)]).expect("the one before was ended");
                });
                while board.critical_section(|| {
                    let waits = !done.get();
                    if waits {
                        board.wait_for_interrupt();
                    }
                    waits
                }) {}
            }
        });
        interrupt::put_away(ep0in);
    }

    fn host(&self, host: Host) -> Script {
        self.0.host(host)
    }
}

impl model::Packets for BackToBackByInterrupt {
    fn packets(&self) -> usize {
        self.0.packets.into()
    }
}

#[test]
fn loom_and_stepped_agree_on_packets_that_a_handler_ends() {
    let weak = Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::Full };
    let swapped = Fences { start: weak.end, end: weak.start, ..weak };
    let right = Fences::right(Machine::CortexM7);
    for (fences, expected) in [(right, Kind::Sound), (weak, Kind::Race), (swapped, Kind::Race)] {
        let program = BackToBackByInterrupt(BackToBack { packets: 2, length: 8, fences });
        let verdict = explore(&program);
        assert_eq!(verdict.kind(), expected, "{verdict}");
        let verdict = model::check(&program, model::Limits::default());
        assert_eq!(verdict.kind(), expected, "loom: {verdict}");
    }
}
