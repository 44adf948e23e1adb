//! What a litmus test runs on: the model's registers and fences, or loom's own atomics and fences.

#![expect(clippy::disallowed_methods, reason = "what loom's own fences do is the column beside the model's")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sim_core::explore::Verdict;
use sim_core::explore::model::location::Location;
use sim_core::explore::model::{self, Limits, fence};

use super::program::{Fence, Place, Program, Step};

/// What a program's steps are made of.
pub trait Memory: Send + Sync + 'static {
    /// What to call it.
    const NAME: &str;

    /// `x` and `y`, both 0.
    fn new() -> Self;

    /// Reads.
    fn read(&self, place: Place) -> usize;

    /// Writes.
    fn write(&self, place: Place, value: usize);

    /// A fence.
    fn fence(fence: Fence);
}

/// Registers, as the model has them, and its fences.
#[derive(Debug)]
pub struct Registers([Location; 2]);

impl Memory for Registers {
    const NAME: &str = "registers";

    fn new() -> Self {
        Self([Location::new(), Location::new()])
    }

    fn read(&self, place: Place) -> usize {
        self.0[place as usize].read()
    }

    fn write(&self, place: Place, value: usize) {
        self.0[place as usize].write(value);
    }

    fn fence(fence: Fence) {
        match fence {
            Fence::Release => fence::release(),
            Fence::Acquire => fence::acquire(),
            Fence::AcquireRelease => fence::acquire_release(),
            Fence::SequentiallyConsistent => fence::sequentially_consistent(),
        }
    }
}

/// Relaxed atomics, as loom has them, and its fences.
#[derive(Debug)]
pub struct Atomics([AtomicUsize; 2]);

impl Memory for Atomics {
    const NAME: &str = "atomics";

    fn new() -> Self {
        Self([AtomicUsize::new(0), AtomicUsize::new(0)])
    }

    fn read(&self, place: Place) -> usize {
        self.0[place as usize].load(Ordering::Relaxed)
    }

    fn write(&self, place: Place, value: usize) {
        self.0[place as usize].store(value, Ordering::Relaxed);
    }

    fn fence(fence: Fence) {
        loom::sync::atomic::fence(match fence {
            Fence::Release => Ordering::Release,
            Fence::Acquire => Ordering::Acquire,
            Fence::AcquireRelease => Ordering::AcqRel,
            Fence::SequentiallyConsistent => Ordering::SeqCst,
        });
    }
}

/// Runs a thread; the values that it has read.
fn run<M: Memory>(memory: &M, steps: &[Step]) -> Vec<usize> {
    let mut values = Vec::new();
    for &step in steps {
        match step {
            Step::Write(place, value) => memory.write(place, value),
            Step::Read(place) => values.push(memory.read(place)),
            Step::Fence(fence) => M::fence(fence),
        }
    }
    values
}

/// One execution; all values that were read, then those of the locations in the end.
fn execute<M: Memory>(program: &Arc<Program>) -> Vec<usize> {
    let memory = Arc::new(M::new());
    // The thread that loom begins with is the program's last: one more, only to wait, costs executions.
    let last = program.threads.len() - 1;
    let spawn = |number: usize| {
        let (memory, program) = (memory.clone(), program.clone());
        thread::spawn(move || run(&*memory, &program.threads[number]))
    };
    let others: Vec<_> = (0..last).map(spawn).collect();
    let own = run(&*memory, &program.threads[last]);
    let others =
        others.into_iter().flat_map(|other| other.join().expect("loom ends the execution where a thread panics"));
    let mut values: Vec<_> = others.collect();
    values.extend(own);
    values.extend(program.finals.iter().map(|&place| memory.read(place)));
    values
}

/// loom maps and unmaps a stack for every thread of every execution, one at a time: two tests at once take longer than
/// one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// The outcomes of all executions, a digit each value, and how many executions that took.
///
/// # Panics
///
/// If loom did not run all executions.
pub fn outcomes<M: Memory>(program: Program) -> (BTreeSet<String>, u64) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let limits = Limits { releases: program.releases(), ..Limits::default() };
    let found = Arc::new(Mutex::new(BTreeSet::new()));
    let (program, outcomes) = (Arc::new(program), found.clone());
    let verdict = model::explore(limits, move || {
        let outcome = execute::<M>(&program).iter().map(usize::to_string).collect();
        outcomes.lock().expect("nobody panics with it").insert(outcome);
    });
    let Verdict::Sound { executions, .. } = verdict else { panic!("{verdict}") };
    let found = std::mem::take(&mut *found.lock().expect("nobody panics with it"));
    (found, executions)
}
