//! The vector clocks as judge: they watch every interleaving.

use std::collections::HashSet;

use sim_core::monitor::clocks::{Access, Cell, Clock, Master};

use super::program::{Fence, Instruction, Place, Program, Verdict};

/// A judge that is wrong, to see who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A release fence does nothing.
    NoRelease,
    /// An acquire fence does nothing.
    NoAcquire,
    /// Every write comes with a release fence.
    WritesRelease,
    /// Every read comes with an acquire fence.
    ReadsAcquire,
    /// A write keeps the stamp of the value before, and adds its own.
    StampsAddUp,
}

/// A verdict, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// Whether two accesses can race.
    pub verdict: Verdict,
    /// How many states were visited.
    pub states: usize,
}

/// A value, and what its writer had released.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Register {
    value: usize,
    stamp: Clock,
}

/// All that the rest of an execution depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// Each thread's next instruction.
    next: Vec<usize>,
    registers: [Register; 2],
    masters: Vec<Master>,
    cell: Cell,
}

impl State {
    fn new(threads: usize) -> Self {
        Self {
            next: vec![0; threads],
            registers: <[Register; 2]>::default(),
            masters: (0..threads).map(Master::new).collect(),
            cell: Cell::default(),
        }
    }

    fn read(&mut self, thread: usize, place: Place, mutant: Option<Mutant>) -> usize {
        let (register, master) = (&self.registers[place as usize], &mut self.masters[thread]);
        master.collect(&register.stamp);
        if mutant == Some(Mutant::ReadsAcquire) {
            master.acquire_fence();
        }
        register.value
    }

    fn write(&mut self, thread: usize, place: Place, value: usize, mutant: Option<Mutant>) {
        let (register, master) = (&mut self.registers[place as usize], &mut self.masters[thread]);
        if mutant == Some(Mutant::WritesRelease) {
            master.release_fence();
        }
        let mut stamp = master.stamp();
        if mutant == Some(Mutant::StampsAddUp) {
            stamp.join(&register.stamp);
        }
        *register = Register { value, stamp };
    }

    /// An interleaving puts fences in an order, and a read finds the latest value: what a sequentially consistent
    /// fence promises beyond acquire and release is true already.
    fn fence(&mut self, thread: usize, fence: Fence, mutant: Option<Mutant>) {
        let master = &mut self.masters[thread];
        if fence != Fence::Release && mutant != Some(Mutant::NoAcquire) {
            master.acquire_fence();
        }
        if fence != Fence::Acquire && mutant != Some(Mutant::NoRelease) {
            master.release_fence();
        }
    }

    fn access(&mut self, thread: usize, access: Access) -> Verdict {
        match self.cell.access(&self.masters[thread], access, None) {
            Some(_) => Verdict::Race,
            None => Verdict::Ok,
        }
    }

    /// Executes the next of `instructions`, which are `thread`'s.
    fn step(&mut self, thread: usize, instructions: &[Instruction], mutant: Option<Mutant>) -> Verdict {
        let instruction = instructions[self.next[thread]];
        self.next[thread] += 1;
        match instruction {
            Instruction::Write(place, value) => self.write(thread, place, value, mutant),
            Instruction::Read(place) => {
                self.read(thread, place, mutant);
            }
            Instruction::Expect(place, value) => {
                if self.read(thread, place, mutant) != value {
                    self.next[thread] = instructions.len();
                }
            }
            Instruction::Fence(fence) => self.fence(thread, fence, mutant),
            Instruction::Access(access) => return self.access(thread, access),
        }
        Verdict::Ok
    }
}

/// Goes through the interleavings of `program`, up to the first race.
pub fn judge(program: &Program, mutant: Option<Mutant>) -> Judged {
    let first = State::new(program.0.len());
    let mut visited = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(state) = open.pop() {
        for (thread, instructions) in program.0.iter().enumerate() {
            if state.next[thread] == instructions.len() {
                continue;
            }
            let mut next = state.clone();
            if next.step(thread, instructions, mutant) == Verdict::Race {
                return Judged { verdict: Verdict::Race, states: visited.len() };
            }
            if visited.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    Judged { verdict: Verdict::Ok, states: visited.len() }
}
