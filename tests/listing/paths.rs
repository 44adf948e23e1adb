//! Every way through a function, as the accesses that the world sees.
//!
//! A walk from the first instruction, that goes both ways at each condition, and notes the accesses, the calls and the
//! fences. It carries values along ([`super::values`]): numbers, which is how the address of a register comes about,
//! and pointers to the first argument and to the stack. Everything else is unknown, as is what memory holds.
//!
//! A function that is in the file is walked through where it is called. A loop is walked until nothing new can come of
//! it: what differs from the round before is unknown from then on.
//!
//! # Limits
//!
//! - An access through an unknown pointer is taken for one to RAM. That is right as long as the peripheral's address
//!   is a constant of the driver, as it is here.
//! - Which value is written to a register is not looked at, unless it is a pointer.
//! - Of conditions only the latest is remembered, on Thumb, as long as the flags are the same. A path that takes two
//!   contradicting sides otherwise is walked too. It can only make a check of all paths stricter.
//! - Instructions that are not in the lists of [`super::thumb`] and [`super::x86`] are refused: better no answer than a
//!   wrong one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::values::{Memory, Place, Value};
use super::{FENCE, Function, Instruction, Machine, guards_of_it, is_panic, thumb, x86};

/// Something that the function does to the world.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Reads the register at this address.
    Read(u32),
    /// Writes the register at this address.
    Write(u32),
    /// The register that is written next is given this pointer.
    Lend(Place),
    /// Loads so many bytes from memory.
    Load(Place, i64),
    /// Stores so many bytes to memory.
    Store(Place, i64),
    /// Calls the function of this name.
    Call(String),
    /// Has a fence here.
    Fence,
    /// Goes round in circles: nothing new will come.
    Again,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(address) => write!(f, "read {address:#x}"),
            Self::Write(address) => write!(f, "write {address:#x}"),
            Self::Lend(place) => write!(f, "lend {place:?}"),
            Self::Load(place, bytes) => write!(f, "load {bytes} from {place:?}"),
            Self::Store(place, bytes) => write!(f, "store {bytes} to {place:?}"),
            Self::Call(name) => write!(f, "call {name}"),
            Self::Fence => f.write_str("fence"),
            Self::Again => f.write_str("again"),
        }
    }
}

/// What happens on one way through a function, in the order of execution.
pub type Path = Vec<Event>;

/// Every way through `function`, without its accesses to memory; or why the listing could not be followed.
///
/// A register that is read again and again is read once here: a loop is as good as its first round.
pub fn paths(function: &Function) -> Result<BTreeSet<Path>, String> {
    let without_memory = |path: Path| {
        let mut path: Path = path
            .into_iter()
            .filter(|event| !matches!(event, Event::Lend(_) | Event::Load(..) | Event::Store(..)))
            .collect();
        path.dedup_by(|event, before| event == before && matches!(event, Event::Read(_)));
        path
    };
    Ok(accesses(function)?.into_iter().map(without_memory).collect())
}

/// Every way through `function`, or why the listing could not be followed.
pub fn accesses(function: &Function) -> Result<BTreeSet<Path>, String> {
    let mut ended = BTreeSet::new();
    let mut open = vec![Walk::new(function.machine)];
    while let Some(mut walk) = open.pop() {
        loop {
            match walk.step(function)? {
                Next::Here => {}
                Next::Both(other) => open.push(*other),
                Next::End => break,
            }
        }
        ended.insert(walk.state.path);
    }
    Ok(ended)
}

/// The values of the processor's registers.
pub type Values = [Value; 16];

/// What a walk knows, and has seen.
#[derive(Clone)]
pub struct State {
    pub values: Values,
    pub path: Path,
}

/// Where an instruction leads.
pub enum Flow {
    /// To the next one.
    On,
    /// To this label.
    Jump(String),
    /// To this label or to the next one.
    Branch(String),
    /// To the caller.
    Return,
}

/// What is known of the flags: a condition, and whether it holds.
type Flags = Option<(String, bool)>;

/// A walk that has come to the instruction `at`.
#[derive(Clone)]
struct Walk {
    at: usize,
    /// Where the functions that are being walked through were called.
    returns: Vec<usize>,
    /// Which side of the latest `it` the walk is on.
    guard: bool,
    flags: Flags,
    /// What was known at the labels that the walk has come through.
    seen: BTreeMap<(usize, Vec<usize>), (Values, Flags)>,
    state: State,
}

enum Next {
    /// The walk goes on.
    Here,
    /// It does, and so does another one, on the other side of a condition.
    Both(Box<Walk>),
    End,
}

/// How deep functions may call each other.
const DEEPEST: usize = 8;

impl Walk {
    fn new(machine: Machine) -> Self {
        let (argument, stack) = match machine {
            Machine::Thumb => (thumb::ARGUMENTS[0], thumb::STACK),
            Machine::X86 => (x86::ARGUMENTS[0], x86::STACK),
        };
        let mut values = [Value::Unknown; 16];
        values[argument] = Memory::Argument.start();
        values[stack] = Memory::Stack.start();
        let state = State { values, path: Path::new() };
        Self { at: 0, returns: Vec::new(), guard: true, flags: None, seen: BTreeMap::new(), state }
    }

    fn step(&mut self, function: &Function) -> Result<Next, String> {
        let Some(instruction) = function.instructions.get(self.at) else {
            return Ok(Next::End);
        };
        if function.labels.values().any(|at| *at == self.at) && self.is_nothing_new() {
            self.state.path.push(Event::Again);
            return Ok(Next::End);
        }
        self.at += 1;
        if instruction.guard.is_some_and(|guard| guard != self.guard) {
            return Ok(Next::Here);
        }
        if let Some(callee) = function.callee(instruction) {
            return self.call(function, instruction, callee);
        }
        if guards_of_it(&instruction.mnemonic).is_some() {
            let condition = instruction.operands.first().map_or("", String::as_str);
            return Ok(self.on_condition(condition, |walk, holds| walk.guard = holds));
        }
        if function.machine == Machine::X86 || thumb::sets_flags(instruction) {
            self.flags = None;
        }
        let flow = match (instruction.mnemonic.as_str(), function.machine) {
            (FENCE, _) => {
                self.state.path.push(Event::Fence);
                Some(Flow::On)
            }
            (_, Machine::Thumb) => thumb::execute(function, instruction, &mut self.state),
            (_, Machine::X86) => x86::execute(instruction, &mut self.state),
        };
        let unreadable = || format!("`{instruction}` is not in the list of what the listing's reader knows");
        let label = |name: &str| {
            let at = function.labels.get(name).copied();
            at.ok_or_else(|| format!("`{instruction}` goes to an unknown label"))
        };
        match flow.ok_or_else(unreadable)? {
            Flow::On => Ok(Next::Here),
            Flow::Jump(name) => {
                self.at = label(&name)?;
                Ok(Next::Here)
            }
            Flow::Branch(name) => {
                let (at, next) = (label(&name)?, self.at);
                let condition = instruction.condition.as_deref().unwrap_or_default();
                Ok(self.on_condition(condition, |walk, holds| walk.at = if holds { at } else { next }))
            }
            Flow::Return => Ok(self.return_to_caller()),
        }
    }

    /// Goes on with `go`, which is told whether the condition holds: both ways, or the one that the flags allow. A
    /// condition without a name is none of the flags.
    fn on_condition(&mut self, condition: &str, go: impl Fn(&mut Self, bool)) -> Next {
        let known = match &self.flags {
            Some((known, holds)) if known == condition => Some(*holds),
            Some((known, holds)) if thumb::opposite(condition) == Some(known) => Some(!holds),
            _ => None,
        };
        if let Some(holds) = known {
            go(self, holds);
            return Next::Here;
        }
        let mut other = self.clone();
        for (walk, holds) in [(&mut *self, true), (&mut other, false)] {
            if !condition.is_empty() {
                walk.flags = Some((condition.to_owned(), holds));
            }
            go(walk, holds);
        }
        Next::Both(Box::new(other))
    }

    /// Whether the walk was here before, with no less to know.
    fn is_nothing_new(&mut self) -> bool {
        let key = (self.at, self.returns.clone());
        if let Some((values, flags)) = self.seen.get(&key) {
            for (value, before) in self.state.values.iter_mut().zip(values) {
                *value = value.or(*before);
            }
            self.flags = self.flags.take().filter(|now| flags.as_ref() == Some(now));
            if self.state.values == *values && self.flags == *flags {
                return true;
            }
        }
        self.seen.insert(key, (self.state.values, self.flags.clone()));
        false
    }

    fn return_to_caller(&mut self) -> Next {
        match self.returns.pop() {
            Some(at) => {
                self.at = at;
                Next::Here
            }
            None => Next::End,
        }
    }

    fn call(&mut self, function: &Function, instruction: &Instruction, callee: &str) -> Result<Next, String> {
        if instruction.condition.is_some() {
            return Err(format!("`{instruction}` leaves the function on a condition"));
        }
        let is_last = ["b", "jmp"].contains(&instruction.mnemonic.as_str());
        if let Some(at) = function.functions.get(callee) {
            if !is_last {
                self.returns.push(self.at);
            }
            if self.returns.len() > DEEPEST {
                return Err(format!("`{instruction}` calls too deep"));
            }
            self.at = *at;
            return Ok(Next::Here);
        }
        self.state.path.push(Event::Call(callee.to_owned()));
        if is_panic(callee) {
            return Ok(Next::End);
        }
        let (arguments, changed): (_, &[usize]) = match function.machine {
            Machine::Thumb => (thumb::ARGUMENTS, &thumb::CHANGED_BY_A_CALL),
            Machine::X86 => (x86::ARGUMENTS, &x86::CHANGED_BY_A_CALL),
        };
        self.state.copy(callee, arguments.map(|register| self.state.values[register]));
        for register in changed {
            self.state.values[*register] = Value::Unknown;
        }
        Ok(if is_last { self.return_to_caller() } else { Next::Here })
    }
}

impl State {
    /// Notes a load of so many bytes; a register is read word by word.
    pub fn load(&mut self, address: Value, bytes: i64) -> Option<()> {
        self.access(address, bytes, Event::Read, Event::Load)
    }

    /// Notes a store of so many bytes, of `value` if it is one; a register is written word by word.
    pub fn store(&mut self, address: Value, bytes: i64, value: Value) -> Option<()> {
        if let (Value::Known(_), Value::Pointer(place)) = (address, value) {
            self.path.push(Event::Lend(place));
        }
        self.access(address, bytes, Event::Write, Event::Store)
    }

    fn access(
        &mut self,
        address: Value,
        bytes: i64,
        register: fn(u32) -> Event,
        memory: fn(Place, i64) -> Event,
    ) -> Option<()> {
        let Value::Known(first) = address else {
            self.path.push(memory(address.place(), bytes));
            return Some(());
        };
        for address in (first..first + bytes).step_by(4) {
            self.path.push(register(u32::try_from(address).ok()?));
        }
        Some(())
    }

    /// What the compiler's own functions do to memory: `memcpy` and the like.
    fn copy(&mut self, name: &str, [to, second, third]: [Value; 3]) {
        let is = |part| name.contains(part);
        let length = match (is("mem"), is("aeabi_memset") || is("memclr")) {
            (false, _) => return,
            (true, true) => second,
            (true, false) => third,
        };
        // Of an unknown length, nothing is certain to be stored.
        let bytes = if let Value::Known(bytes) = length { bytes } else { 0 };
        if is("memcpy") || is("memmove") {
            self.path.push(Event::Load(second.place(), bytes));
        }
        self.path.push(Event::Store(to.place(), bytes));
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mnemonic, self.operands.join(", "))
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn paths_of(body: &str) -> Result<Vec<Path>, String> {
        let assembly = format!("f:\n{body}\n.Lfunc_end0:\n");
        let function = Function::find(Machine::Thumb, &assembly, "f").expect("it is in the text");
        paths(&function).map(|paths| paths.into_iter().collect())
    }

    fn only_path_of(body: &str) -> Path {
        let paths = paths_of(body).expect("the body is readable");
        let [path] = paths.try_into().expect("there is one way through it");
        path
    }

    #[test]
    fn addresses_come_from_constants_and_offsets_of_every_form() {
        let body = "movw r0, #28936 \n movt r0, #16386 \n movw r1, #65276 \n movt r1, #65535
            str r2, [r0] \n str.w r2, [r0, #32] \n str r2, [r0, r1] \n ldr r3, [r0, #-4] \n bx lr";
        let expected =
            [Event::Write(0x4002_7108), Event::Write(0x4002_7128), Event::Write(0x4002_7004), Event::Read(0x4002_7104)];
        assert_eq!(only_path_of(body), expected);
    }

    #[test]
    fn accesses_through_unknown_pointers_are_not_registers() {
        assert_eq!(only_path_of("strd r0, r1, [r6] \n ldr r8, [sp], #4 \n pop {r4, pc} \n str r0, [r1]"), []);
    }

    #[test]
    fn call_forgets_what_the_callee_may_change() {
        let body = "mov r1, #64 \n mov r4, #64 \n bl g \n str r0, [r1] \n str r0, [r4] \n bx lr";
        assert_eq!(only_path_of(body), [Event::Call("g".to_owned()), Event::Write(64)]);
    }

    #[test]
    fn both_sides_of_a_branch_are_walked() {
        let body = "mov r1, #64 \n cbz r0, .L1 \n str r0, [r1] \n .L1: \n str r0, [r1, #4] \n bx lr";
        let both = [vec![Event::Write(64), Event::Write(68)], vec![Event::Write(68)]];
        // A label stands on a line of its own.
        assert_eq!(paths_of(&body.replace(" .L1: ", ".L1:")), Ok(both.into()));
    }

    #[test]
    fn both_sides_of_an_it_block_are_walked_apart() {
        let body = "mov r1, #64 \n ite eq \n streq r0, [r1] \n strne r0, [r1, #4] \n bx lr";
        assert_eq!(paths_of(body), Ok(vec![vec![Event::Write(64)], vec![Event::Write(68)]]));
    }

    #[test]
    fn blocks_that_follow_each_other_with_one_condition_are_one() {
        let body = "mov r1, #64 \n it ne \n strne r0, [r1] \n it ne \n strne r0, [r1, #4] \n bx lr";
        assert_eq!(paths_of(body), Ok(vec![vec![], vec![Event::Write(64), Event::Write(68)]]));
        let other = body.replace("it ne \n strne r0, [r1, #4]", "it eq \n streq r0, [r1, #4]");
        assert_eq!(paths_of(&other).map(|paths| paths.len()), Ok(2), "the opposite holds where this one does not");
        let apart = other.replace("eq", "mi");
        assert_eq!(paths_of(&apart).map(|paths| paths.len()), Ok(4), "another condition is walked apart");
        let flags = body.replace("it ne \n strne r0, [r1, #4]", "cmp r0, #1 \n it ne \n strne r0, [r1, #4]");
        assert_eq!(paths_of(&flags).map(|paths| paths.len()), Ok(4), "so is one of other flags");
    }

    #[test]
    fn branch_on_the_condition_of_a_block_is_not_walked_against_it() {
        let body = "mov r1, #64 \n cmp r0, #0 \n itt ne \n ldrne r0, [r1] \n cmpne r0, #0 \n beq .L1 \n str r0, [r1]
.L1:\n bx lr";
        let read = Event::Read(64);
        assert_eq!(paths_of(body), Ok(vec![vec![], vec![read.clone()], vec![read, Event::Write(64)]]));
    }

    #[test]
    fn fence_is_seen_where_it_stands() {
        let body = "mov r1, #64 \n ldr r0, [r1] \n @MEMBARRIER \n str r0, [r1] \n bx lr";
        assert_eq!(only_path_of(body), [Event::Read(64), Event::Fence, Event::Write(64)]);
        assert_eq!(only_path_of(&body.replace("@MEMBARRIER", "dmb ish")), only_path_of(body));
    }

    #[test]
    fn loop_is_walked_until_nothing_new_can_come() {
        let body = "mov r1, #64 \n.L1:\n ldr r0, [r1] \n cmp r0, #0 \n beq .L1 \n str r0, [r1, #4] \n bx lr";
        let round = [Event::Read(64), Event::Again];
        let end = [Event::Read(64), Event::Write(68)];
        assert_eq!(paths_of(body), Ok(vec![end.into(), round.into()]));
    }

    #[test]
    fn address_that_a_loop_changes_is_unknown_in_its_second_round() {
        let body = "mov r1, #64 \n.L1:\n str r0, [r1] \n adds r1, #4 \n cmp r1, r2 \n bne .L1 \n str r0, [r1] \n bx lr";
        let rounds = [vec![Event::Write(64), Event::Again], vec![Event::Write(64), Event::Write(68)]];
        let one_and_more = [vec![Event::Write(64)], rounds[1].clone(), rounds[0].clone()];
        assert_eq!(paths_of(body), Ok(one_and_more.into()));
    }

    #[test]
    fn function_that_is_in_the_file_is_walked_where_it_is_called() {
        let callee = "g:\n push {r4, lr} \n str r0, [r1] \n pop {r4, pc} \n.Lfunc_end1:\n";
        let assembly = format!("f:\n mov r1, #64 \n bl g \n ldr r0, [r1] \n b g \n.Lfunc_end0:\n{callee}");
        let function = Function::find(Machine::Thumb, &assembly, "f").expect("it is in the text");
        let expected = [vec![Event::Write(64), Event::Read(64), Event::Write(64)]];
        assert_eq!(paths(&function), Ok(expected.into()));
    }

    #[test]
    fn memory_is_told_apart_by_who_has_pointed_to_it() {
        let body = "push {r4, lr} \n add r2, sp, #4 \n mov r1, #64 \n strb r3, [r0, #2] \n strd r0, r2, [r1] \n
            ldr r4, [r3] \n ldr r4, [sp] \n movs r1, #16 \n bl __aeabi_memclr \n pop {r4, pc}";
        let assembly = format!("f:\n{body}\n.Lfunc_end0:\n");
        let function = Function::find(Machine::Thumb, &assembly, "f").expect("it is in the text");
        let place = |memory, offset| Place { memory, offset };
        let (argument, stack) = (place(Memory::Argument, Some(0)), place(Memory::Stack, Some(-8)));
        let expected = vec![
            Event::Store(place(Memory::Argument, Some(2)), 1),
            Event::Lend(argument),
            Event::Write(64),
            Event::Lend(place(Memory::Stack, Some(-4))),
            Event::Write(68),
            Event::Load(place(Memory::Unknown, None), 4),
            Event::Load(stack, 4),
            Event::Call("__aeabi_memclr".to_owned()),
            Event::Store(argument, 16),
        ];
        assert_eq!(accesses(&function), Ok([expected].into()));
    }

    #[test]
    fn unknown_instructions_and_registers_of_the_chip_are_refused() {
        assert!(paths_of("svc #0").is_err_and(|reason| reason.starts_with("`svc #0` is not in the list")));
        assert!(paths_of("mov r1, #64 \n str r0, [r1, r2]").is_err());
    }
}
