//! What both sides have seen is the same with memory of states as without.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::map;
use sim_core::explore::scheduler::{Exhaustive, Immediate};
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::{Host, Script};
use sim_core::soc::{Config, Soc};
use sim_core::trace::{Keep, Record};

use crate::{clear, prepare_frames};

/// What a main program and a handler have seen: each keeps what the count was, and what it has read.
type Outcome = (Vec<u32>, Vec<u32>);

/// A main program and a handler that do the same accesses at the same lines, and share a count. The main program looks
/// at it wherever it can be interrupted.
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
        prepare_frames(soc);
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
    // The frame has begun, the main program has read its number twice, and only then the handler reads it: a third read
    // at one line, but no poll that waits for the next frame.
    let late = |(main, handler): &Outcome| main[1] == 1 && main[2] == 1 && handler.first() == Some(&1);
    assert!(all.iter().any(late), "some handlers come late");
    // After the critical section come two fences, twice, and no register access.
    for look in 5..9 {
        let is_interrupted = |(main, _): &Outcome| main[look] / 10 < main[look + 1] / 10;
        assert!(all.iter().any(is_interrupted), "some handlers come between look {look} and the next");
    }
}

#[test]
fn handler_is_entered_before_anybody_else_goes_on_where_others_take_no_time() {
    let run = stepped::run(&Outcomes::default(), &Rc::new(RefCell::new(Immediate)), Some(Keep::Order));
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    let position = |wanted: &Record| {
        let mut records = run.trace.entries().iter().map(|entry| &entry.record);
        records.position(|record| record == wanted).expect("it is in the trace")
    };
    let entered = position(&Record::Handler { running: true });
    assert!(position(&Record::StartOfFrame(1)) < entered && entered < position(&Record::StartOfFrame(2)));
}
