//! What a function does to registers of the chip, on every way through it.
//!
//! The compiler may lay blocks out in any order, so the order of the text says little about the order of execution.
//! [`paths`] therefore walks the function from its entry, takes both sides of every condition, and notes calls,
//! fences and accesses to addresses that it can compute. It carries constants along (`movw`, `movt`, `add`, ...),
//! which is how the address of a register comes about; everything else is unknown, as are arguments and what memory
//! holds.
//!
//! # Limits
//!
//! - An access through an unknown pointer is taken for one to RAM. That is right as long as the peripheral's address
//!   is a constant of the driver, as it is here.
//! - Which value is written is not looked at.
//! - Conditions are not remembered: a path that takes two contradicting sides is walked too. It can only make a check
//!   of all paths stricter.
//! - Loops, and instructions that are not in the list below, are refused: better no answer than a wrong one.

use std::collections::BTreeSet;
use std::fmt;

use super::{FENCE, Function, Instruction};

/// Something that the function does to the world.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Reads the register at this address.
    Read(u32),
    /// Writes the register at this address.
    Write(u32),
    /// Calls the function of this name.
    Call(String),
    /// Has a fence here.
    Fence,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(address) => write!(f, "read {address:#x}"),
            Self::Write(address) => write!(f, "write {address:#x}"),
            Self::Call(name) => write!(f, "call {name}"),
            Self::Fence => f.write_str("fence"),
        }
    }
}

/// What happens on one way through a function, in the order of execution.
pub type Path = Vec<Event>;

/// Every way through `function`, or why the listing could not be followed.
pub fn paths(function: &Function) -> Result<BTreeSet<Path>, String> {
    let entry = Walk {
        at: 0,
        constants: [None; 16],
        condition: true,
        visited: vec![false; function.instructions.len()],
        path: Path::new(),
    };
    let mut ended = BTreeSet::new();
    let mut open = vec![entry];
    while let Some(mut walk) = open.pop() {
        loop {
            match walk.step(function)? {
                Next::Here => {}
                Next::Both(other) => open.push(other),
                Next::End => break,
            }
        }
        ended.insert(walk.path);
    }
    Ok(ended)
}

/// A walk that has come to the instruction `at`.
#[derive(Clone)]
struct Walk {
    at: usize,
    /// The values of r0 to pc, where they are known.
    constants: [Option<u32>; 16],
    /// Which side of the latest `it` the walk is on.
    condition: bool,
    visited: Vec<bool>,
    path: Path,
}

/// Whether the `it` at this index follows a block with the same condition, which has left the flags alone.
fn continues_a_block(function: &Function, at: usize) -> bool {
    let (before, rest) = function.instructions.split_at(at);
    let is_it = |instruction: &Instruction| instruction.guard.is_none() && instruction.mnemonic.starts_with("it");
    let block = before.iter().rev().take_while(|instruction| instruction.guard.is_some());
    let sets_flags = |instruction: &Instruction| ["cmp", "cmn", "tst"].contains(&instruction.mnemonic.as_str());
    let length = block.clone().count();
    let first = before.len().checked_sub(length + 1).map(|index| &before[index]);
    let same = |first: &Instruction| is_it(first) && is_it(&rest[0]) && first.operands == rest[0].operands;
    length > 0 && first.is_some_and(same) && !block.clone().any(sets_flags)
}

enum Next {
    /// The walk goes on.
    Here,
    /// It does, and so does another one, on the other side of a condition.
    Both(Walk),
    End,
}

impl Walk {
    fn step(&mut self, function: &Function) -> Result<Next, String> {
        let Some(instruction) = function.instructions.get(self.at) else {
            return Ok(Next::End);
        };
        if std::mem::replace(&mut self.visited[self.at], true) {
            return Err(format!("a loop: `{instruction}` is executed again"));
        }
        self.at += 1;
        if instruction.guard.is_some_and(|guard| guard != self.condition) {
            return Ok(Next::Here);
        }
        if let Some(callee) = function.callee(instruction) {
            if instruction.conditional {
                return Err(format!("`{instruction}` leaves the function on a condition"));
            }
            self.path.push(Event::Call(callee.to_owned()));
            // The callee may change them: r0 to r3, ip, lr.
            for register in [0, 1, 2, 3, 12, 14] {
                self.constants[register] = None;
            }
            return Ok(if instruction.mnemonic == "b" { Next::End } else { Next::Here });
        }
        match instruction.mnemonic.as_str() {
            // A block has four instructions at most: what depends on the same flags goes on in the next.
            _ if continues_a_block(function, self.at - 1) => Ok(Next::Here),
            "it" | "itt" | "ite" | "ittt" | "itte" | "itee" | "itet" | "itttt" | "ittte" | "ittee" => {
                self.condition = true;
                Ok(Next::Both(Self { condition: false, ..self.clone() }))
            }
            "b" | "cbz" | "cbnz" => self.branch(function, instruction),
            "bx" => Ok(Next::End),
            _ => self.execute(instruction),
        }
    }

    fn branch(&mut self, function: &Function, instruction: &Instruction) -> Result<Next, String> {
        let target = instruction.operands.last().and_then(|label| function.labels.get(label));
        let at = *target.ok_or_else(|| format!("`{instruction}` goes to an unknown label"))?;
        if instruction.mnemonic == "b" && !instruction.conditional {
            self.at = at;
            return Ok(Next::Here);
        }
        Ok(Next::Both(Self { at, ..self.clone() }))
    }

    /// An instruction that is followed by the next one (or, as a `pop` into pc is, by none).
    fn execute(&mut self, instruction: &Instruction) -> Result<Next, String> {
        let operands: Vec<&str> = instruction.operands.iter().map(String::as_str).collect();
        let unreadable = || format!("`{instruction}` is not in the list of what the listing's reader knows");
        match (instruction.mnemonic.as_str(), operands.as_slice()) {
            (FENCE | "dmb", _) => self.path.push(Event::Fence),
            ("push" | "cmp" | "cmn" | "tst" | "nop", _) => {}
            ("pop", [list]) => {
                for register in list.trim_matches(['{', '}']).split(',').map(str::trim) {
                    self.set(register, None).ok_or_else(unreadable)?;
                }
                if list.contains("pc") {
                    return Ok(Next::End);
                }
            }
            ("mov" | "movs" | "movw", [to, from]) => self.set(to, self.value(from)).ok_or_else(unreadable)?,
            ("movt", [to, high]) => {
                let value = self.value(to).zip(self.value(high)).map(|(low, high)| low & 0xFFFF | high << 16);
                self.set(to, value).ok_or_else(unreadable)?;
            }
            ("add" | "adds" | "addw" | "sub" | "subs" | "subw", [to, .., by]) => {
                let from = if operands.len() == 3 { operands[1] } else { to };
                let add = instruction.mnemonic.starts_with("add");
                let sum = |(from, by): (u32, u32)| if add { from.wrapping_add(by) } else { from.wrapping_sub(by) };
                self.set(to, self.value(from).zip(self.value(by)).map(sum)).ok_or_else(unreadable)?;
            }
            ("and" | "ands" | "orr" | "orrs" | "eor" | "eors" | "bic" | "mvn" | "lsl" | "lsls" | "lsr" | "lsrs", _)
            | ("uxtb" | "uxth" | "clz" | "rsb" | "rsbs", _) => {
                let to = operands.first().ok_or_else(unreadable)?;
                self.set(to, None).ok_or_else(unreadable)?;
            }
            ("ldr" | "ldrb" | "ldrh", [to, place, by @ ..]) => {
                self.access(place, by, 1, Event::Read).ok_or_else(unreadable)?;
                self.set(to, None).ok_or_else(unreadable)?;
            }
            ("ldrd", [first, second, place, by @ ..]) => {
                self.access(place, by, 2, Event::Read).ok_or_else(unreadable)?;
                self.set(first, None).and(self.set(second, None)).ok_or_else(unreadable)?;
            }
            ("str" | "strb" | "strh", [_, place, by @ ..]) => {
                self.access(place, by, 1, Event::Write).ok_or_else(unreadable)?;
            }
            ("strd", [_, _, place, by @ ..]) => self.access(place, by, 2, Event::Write).ok_or_else(unreadable)?,
            ("stm", [base, list]) => {
                let base = base.trim_end_matches('!');
                let words = list.split(',').count();
                self.access(&format!("[{base}]"), &[], words, Event::Write).ok_or_else(unreadable)?;
                self.set(base, None).ok_or_else(unreadable)?;
            }
            _ => return Err(unreadable()),
        }
        Ok(Next::Here)
    }

    /// Notes an access to `words` words at `place` (`[r0]`, `[r0, #4]`, `[r0, r1]`, `[r0, #4]!`, or `[r0]` and then
    /// `by`), if the address is known.
    fn access(&mut self, place: &str, by: &[&str], words: usize, event: fn(u32) -> Event) -> Option<()> {
        let inside = place.strip_prefix('[')?.trim_end_matches('!').strip_suffix(']')?;
        let (base, offset) = inside.split_once(',').map_or((inside, "#0"), |(base, offset)| (base, offset.trim()));
        let (base_value, offset_value) = (self.value(base), self.value(offset));
        match (base_value, offset_value) {
            (Some(base), Some(offset)) => {
                let addresses = (0..words).zip((base.wrapping_add(offset)..).step_by(4));
                self.path.extend(addresses.map(|(_, address)| event(address)));
            }
            // A register of the chip at an unknown offset: nothing that can be told.
            (Some(_), None) => return None,
            (None, Some(_)) if !offset.starts_with('#') => return None,
            (None, _) => {}
        }
        if place.ends_with('!') || !by.is_empty() {
            self.set(base, None)?;
        }
        Some(())
    }

    /// Sets a register, or says that it is none.
    fn set(&mut self, register: &str, value: Option<u32>) -> Option<()> {
        self.constants[number_of_register(register)?] = value;
        Some(())
    }

    /// The value of a register or of a number, if it is known.
    fn value(&self, operand: &str) -> Option<u32> {
        let Some(number) = operand.strip_prefix('#') else {
            return self.constants[number_of_register(operand)?];
        };
        let (negative, digits) = number.strip_prefix('-').map_or((false, number), |digits| (true, digits));
        let magnitude: u32 = match digits.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => digits.parse().ok()?,
        };
        Some(if negative { magnitude.wrapping_neg() } else { magnitude })
    }
}

fn number_of_register(name: &str) -> Option<usize> {
    match name {
        "sp" => Some(13),
        "lr" => Some(14),
        "pc" => Some(15),
        _ => name.strip_prefix('r')?.parse().ok().filter(|number| *number <= 12),
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
        let function = Function::find(&assembly, "f").expect("it is in the text");
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
        assert_eq!(paths_of(&other).map(|paths| paths.len()), Ok(4), "another condition is walked apart");
        let flags = body.replace("it ne \n strne r0, [r1, #4]", "cmp r0, #1 \n it ne \n strne r0, [r1, #4]");
        assert_eq!(paths_of(&flags).map(|paths| paths.len()), Ok(4), "so is one of other flags");
    }

    #[test]
    fn fence_is_seen_where_it_stands() {
        let body = "mov r1, #64 \n ldr r0, [r1] \n @MEMBARRIER \n str r0, [r1] \n bx lr";
        assert_eq!(only_path_of(body), [Event::Read(64), Event::Fence, Event::Write(64)]);
        assert_eq!(only_path_of(&body.replace("@MEMBARRIER", "dmb ish")), only_path_of(body));
    }

    #[test]
    fn loops_and_unknown_instructions_are_refused() {
        assert_eq!(paths_of(".L1:\n bne .L1 \n bx lr"), Err("a loop: `b .L1` is executed again".to_owned()));
        assert!(paths_of("svc #0").is_err_and(|reason| reason.starts_with("`svc #0` is not in the list")));
        assert!(paths_of("mov r1, #64 \n str r0, [r1, r2]").is_err());
    }
}
