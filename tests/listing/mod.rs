//! One function of an assembly file, as rustc's `--emit asm` writes it.
//!
//! It is Thumb-2, or x86-64 as AT&T writes it. [`Function::find`] takes the lines between a function's label and its
//! end apart into instructions, and likewise those of the functions that it calls, if they are in the file. What they
//! do to registers and memory is in [`paths`], in which order they have to in [`order`] and [`handover`].
//!
//! What counts as an instruction: every line that is not a label (`.LBB0_1:`), a directive (`.p2align`) or a comment
//! (`@ ...`). So `it` counts, as it does in the chip. The fence of an in-order core does not, for it is none: LLVM
//! writes a `compiler_fence` as the comment `@MEMBARRIER`. It is kept in its place, to be seen there.

use std::collections::BTreeMap;

pub mod handover;
pub mod order;
pub mod paths;
mod thumb;
mod values;
mod x86;

/// How LLVM writes a `compiler_fence` for Thumb: a comment, where it has kept everything else from crossing.
pub const FENCE: &str = "@MEMBARRIER";

/// Whose instructions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Cortex-M4F.
    Thumb,
    /// x86-64.
    X86,
}

impl Machine {
    /// What a comment begins with.
    const fn comment(self) -> char {
        match self {
            Self::Thumb => '@',
            Self::X86 => '#',
        }
    }

    /// The line without its comment, unless that is a fence.
    fn without_comment(self, line: &str) -> &str {
        match line.trim().strip_prefix(self.comment()) {
            Some("MEMBARRIER") => FENCE,
            _ => line.split(self.comment()).next().unwrap_or_default().trim(),
        }
    }
}

/// The condition codes, as they end the mnemonic of a conditional branch.
const CONDITIONS: [&str; 16] =
    ["eq", "ne", "hs", "cs", "lo", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"];

/// A line that the processor executes, or a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does, without a width (`.w`) and without the condition; or [`FENCE`].
    pub mnemonic: String,
    /// What it does it to, as written.
    pub operands: Vec<String>,
    /// The condition, of a branch that depends on the flags.
    pub condition: Option<String>,
    /// In an IT block: whether it is executed if the block's condition holds, or if it does not.
    pub guard: Option<bool>,
}

/// A function's body, and behind it those of the functions that it calls.
#[derive(Debug)]
pub struct Function {
    machine: Machine,
    /// Instructions and fences, in the order of the text.
    instructions: Vec<Instruction>,
    /// The labels: the index of the instruction that follows.
    labels: BTreeMap<String, usize>,
    /// Constants that stand between instructions, by their label.
    pool: BTreeMap<String, String>,
    /// The functions: the index of the first instruction.
    functions: BTreeMap<String, usize>,
}

impl Function {
    /// The function `name` of an assembly file, if it is there.
    pub fn find(machine: Machine, assembly: &str, name: &str) -> Option<Self> {
        let mut function = Self {
            machine,
            instructions: Vec::new(),
            labels: BTreeMap::new(),
            pool: BTreeMap::new(),
            functions: BTreeMap::new(),
        };
        function.append(assembly, name)?;
        let mut asked = Vec::new();
        // What panics does not come back: its cost is not the function's, nor is what it does.
        let next = |function: &Self, asked: &[String]| {
            let mut calls = function.calls().into_iter();
            let is_new = |callee: &&str| !is_panic(callee) && !asked.iter().any(|name| name == callee);
            calls.find(is_new).map(str::to_owned)
        };
        while let Some(callee) = next(&function, &asked) {
            function.append(assembly, &callee);
            asked.push(callee);
        }
        Some(function)
    }

    /// Appends the function `name`, if it is there.
    fn append(&mut self, assembly: &str, name: &str) -> Option<()> {
        let head = format!("{name}:");
        let lines = assembly.lines().map(|line| self.machine.without_comment(line));
        let body: Vec<&str> = lines.skip_while(|line| *line != head).skip(1).collect();
        let end = body.iter().position(|line| line.starts_with(".Lfunc_end"))?;
        self.functions.insert(name.to_owned(), self.instructions.len());
        let mut guards = Vec::new().into_iter();
        let mut label = "";
        for line in &body[..end] {
            if let Some(name) = line.strip_suffix(':') {
                self.labels.insert(name.to_owned(), self.instructions.len());
                label = name;
            } else if let Some(value) = line.strip_prefix(".long") {
                self.pool.insert(label.to_owned(), value.trim().to_owned());
            } else if *line == FENCE {
                self.instructions.push(Instruction::parse(line, None));
            } else if !line.is_empty() && !line.starts_with('.') {
                let instruction = match self.machine {
                    Machine::Thumb => Instruction::parse(line, guards.next()),
                    Machine::X86 => x86::parse(line),
                };
                if let Some(block) = guards_of_it(&instruction.mnemonic) {
                    guards = block.into_iter();
                }
                self.instructions.push(instruction);
            }
        }
        Some(())
    }

    /// How many instructions it has, with those of the functions that it calls.
    pub fn count(&self) -> usize {
        self.instructions.iter().filter(|instruction| instruction.mnemonic != FENCE).count()
    }

    /// The functions outside of the file that are called, or jumped to at the end, in the order of the text.
    pub fn calls(&self) -> Vec<&str> {
        let callees = self.instructions.iter().filter_map(|instruction| self.callee(instruction));
        callees.filter(|name| !self.functions.contains_key(*name)).collect()
    }

    /// What `instruction` calls, if it is a call. A branch to a label of another function is one.
    fn callee<'a>(&self, instruction: &'a Instruction) -> Option<&'a str> {
        let target = instruction.operands.first()?;
        match instruction.mnemonic.as_str() {
            "bl" | "blx" | "callq" | "call" => Some(target),
            "b" | "jmp" if !self.labels.contains_key(target) => Some(target),
            _ => None,
        }
    }
}

/// Whether a function of this name panics.
pub fn is_panic(name: &str) -> bool {
    name.contains("panic")
}

impl Instruction {
    fn parse(line: &str, guard: Option<bool>) -> Self {
        let (mnemonic, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let mnemonic = mnemonic.trim_end_matches(".w").trim_end_matches(".n");
        let branch = mnemonic.strip_prefix('b').filter(|condition| CONDITIONS.contains(condition));
        let mnemonic = match mnemonic {
            _ if guard.is_some() => &mnemonic[..mnemonic.len() - 2],
            _ if branch.is_some() => "b",
            _ => mnemonic,
        };
        let condition = branch.filter(|_| guard.is_none()).map(str::to_owned);
        Self { mnemonic: mnemonic.to_owned(), operands: split_operands(operands), condition, guard }
    }
}

/// The guards of the instructions that follow an `it`, `itt`, `ite`, ...: the first is always executed on "then".
fn guards_of_it(mnemonic: &str) -> Option<Vec<bool>> {
    let rest = mnemonic.strip_prefix("it")?;
    rest.chars().all(|letter| matches!(letter, 't' | 'e')).then(|| {
        let rest = rest.chars().map(|letter| letter == 't');
        std::iter::once(true).chain(rest).collect()
    })
}

/// Splits at the commas that are not inside brackets: `r0, [r1, #4]` is two operands.
fn split_operands(text: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = text.split(|letter| {
        match letter {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSEMBLY: &str = "
        .globl  first
first:
        .fnstart
        bl      other
.Lfunc_end0:
second:
        .save   {r7, lr}
        push    {r7, lr}        @ a comment
        movw    r0, #28936
        @MEMBARRIER
        str.w   r1, [r0, #248]
        cmp     r1, #0
        itte    eq
        moveq   r0, #1
        popeq   {r7, pc}
        ldrne.w r0, [r2]
.LBB1_1:
        bne     .LBB1_1
        bls     .LBB1_1
        bl      __aeabi_memcpy
        b.w     third
.Lfunc_end1:
third:
        bx      lr
";

    fn second() -> Function {
        Function::find(Machine::Thumb, ASSEMBLY, "second").expect("it is in the text")
    }

    #[test]
    fn instructions_are_counted_without_labels_directives_and_comments() {
        assert_eq!(second().count(), 12);
        assert_eq!(second().instructions.len(), 13, "the fence is kept, though not counted");
        assert_eq!(Function::find(Machine::Thumb, ASSEMBLY, "first").expect("it is in the text").count(), 1);
    }

    #[test]
    fn function_without_an_end_or_a_beginning_is_not_found() {
        assert!(Function::find(Machine::Thumb, ASSEMBLY, "third").is_none());
        assert!(Function::find(Machine::Thumb, ASSEMBLY, "fourth").is_none());
    }

    #[test]
    fn calls_and_tail_calls_are_listed_and_loops_are_not() {
        assert_eq!(second().calls(), ["__aeabi_memcpy", "third"]);
    }

    #[test]
    fn width_and_condition_are_taken_off_the_mnemonic() {
        let second = second();
        let word = |index: usize| second.instructions[index].mnemonic.as_str();
        assert_eq!([word(3), word(6), word(7), word(8)], ["str", "mov", "pop", "ldr"]);
        assert_eq!([word(9), word(10), word(11), word(12)], ["b", "b", "bl", "b"]);
        assert!(second.instructions[9].condition.is_some() && second.instructions[10].condition.is_some());
        assert!(second.instructions[11].condition.is_none() && second.instructions[12].condition.is_none());
    }

    #[test]
    fn instructions_of_an_it_block_know_their_side() {
        let guards: Vec<_> = second().instructions[5..10].iter().map(|instruction| instruction.guard).collect();
        assert_eq!(guards, [None, Some(true), Some(true), Some(false), None]);
    }

    #[test]
    fn function_that_is_in_the_file_is_counted_along() {
        let assembly = format!("fourth:\n bl second\n bx lr\n.Lfunc_end3:\n{ASSEMBLY}");
        let fourth = Function::find(Machine::Thumb, &assembly, "fourth").expect("it is in the text");
        assert_eq!(fourth.count(), 14);
        assert_eq!(fourth.calls(), ["__aeabi_memcpy", "third"]);
    }

    #[test]
    fn constant_between_instructions_is_found_by_its_label() {
        let text = "f:\n ldr r0, .LCPI0_0\n bx lr\n.LCPI0_0:\n .long DMA1\n.Lfunc_end0:\n";
        let function = Function::find(Machine::Thumb, text, "f").expect("it is in the text");
        assert_eq!((function.count(), function.pool[".LCPI0_0"].as_str()), (2, "DMA1"));
    }

    #[test]
    fn operands_are_split_outside_of_brackets() {
        assert_eq!(split_operands("$0, 8(%rdi,%rax)"), ["$0", "8(%rdi,%rax)"]);
        assert_eq!(split_operands("r8, [sp], #4"), ["r8", "[sp]", "#4"]);
        assert_eq!(split_operands("r0, [r1, r2]"), ["r0", "[r1, r2]"]);
        assert_eq!(split_operands("r6!, {r2, r4, pc}"), ["r6!", "{r2, r4, pc}"]);
    }
}
