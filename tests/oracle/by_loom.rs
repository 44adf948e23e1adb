//! loom as judge, on what the chip's model stands on; or on something else.

use std::sync::{Arc, Mutex, PoisonError};

use loom::thread;
use sim_core::explore::Kind;
use sim_core::explore::model::cell::Shadow;
use sim_core::explore::model::location::Location;
use sim_core::explore::model::{self, Limits, fence};
use sim_core::monitor::clocks::Access;

use super::program::{Fence, Instruction, Place, Program, Verdict};

/// Which location is made first. loom's own acquire fence goes through them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// `x`, then `y`.
    XThenY,
    /// `y`, then `x`.
    YThenX,
}

impl Creation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::XThenY, Self::YThenX];

    /// `x` and `y`.
    pub fn make<T>(self, new: impl Fn() -> T) -> [T; 2] {
        let (first, second) = (new(), new());
        match self {
            Self::XThenY => [first, second],
            Self::YThenX => [second, first],
        }
    }
}

/// A verdict, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// Whether two accesses can race.
    pub verdict: Verdict,
    /// How many executions loom ran.
    pub executions: u64,
}

/// What a program's instructions are translated to.
pub trait Memory: Send + Sync + 'static {
    /// What to call it.
    const NAME: &str;

    /// `x`, `y` and `d`, all 0.
    fn new(creation: Creation) -> Self;

    /// A relaxed read.
    fn read(&self, place: Place) -> usize;

    /// A relaxed write.
    fn write(&self, place: Place, value: usize);

    /// A fence.
    fn fence(&self, fence: Fence);

    /// A plain access to `d`.
    fn access(&self, access: Access);
}

/// What the chip's model stands on: the locations, fences and cells of `sim_core::explore::model`.
#[derive(Debug)]
pub struct Layer {
    locations: [Location; 2],
    cell: Shadow,
}

impl Memory for Layer {
    const NAME: &str = "layer";

    fn new(creation: Creation) -> Self {
        Self { locations: creation.make(Location::new), cell: Shadow::new() }
    }

    fn read(&self, place: Place) -> usize {
        self.locations[place as usize].read()
    }

    fn write(&self, place: Place, value: usize) {
        self.locations[place as usize].write(value);
    }

    fn fence(&self, fence: Fence) {
        match fence {
            Fence::Release => fence::release(),
            Fence::Acquire => fence::acquire(),
            Fence::AcquireRelease => fence::acquire_release(),
            Fence::SequentiallyConsistent => fence::sequentially_consistent(),
        }
    }

    fn access(&self, access: Access) {
        self.cell.touch(access);
    }
}

fn run<M: Memory>(memory: &M, instructions: &[Instruction]) {
    for &instruction in instructions {
        match instruction {
            Instruction::Write(place, value) => memory.write(place, value),
            Instruction::Read(place) => {
                memory.read(place);
            }
            Instruction::Expect(place, value) => {
                if memory.read(place) != value {
                    return;
                }
            }
            Instruction::Fence(fence) => memory.fence(fence),
            Instruction::Access(access) => memory.access(access),
        }
    }
}

/// loom maps and unmaps a stack for every thread of every execution. The system does that one at a time: two threads of
/// the test runner take longer together than one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// Has loom explore `program`, translated to `M`.
///
/// # Panics
///
/// If loom ends with anything but a verdict: a limit, a deadlock, a panic of its own.
pub fn judge<M: Memory>(program: &Program, creation: Creation) -> Judged {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let threads: Vec<Arc<[Instruction]>> = program.0.iter().map(|thread| thread.as_slice().into()).collect();
    let verdict = model::explore(Limits { branches: 1_000, ..Limits::default() }, move || {
        let memory = Arc::new(M::new(creation));
        // The thread that loom begins with is one of the program's: another one, only to wait, costs executions.
        let (first, others) = threads.split_first().expect("a program has threads");
        let spawn = |instructions: &Arc<[Instruction]>| {
            let (memory, instructions) = (memory.clone(), instructions.clone());
            thread::spawn(move || run(&*memory, &instructions))
        };
        let others: Vec<_> = others.iter().map(spawn).collect();
        run(&*memory, first);
        for other in others {
            other.join().expect("loom ends the execution where a thread panics");
        }
    });
    let executions = verdict.executions();
    match verdict.kind() {
        Kind::Race => Judged { verdict: Verdict::Race, executions },
        Kind::Sound => Judged { verdict: Verdict::Ok, executions },
        _ => panic!("loom came to no verdict: {verdict}"),
    }
}
