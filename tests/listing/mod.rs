//! One function of a Thumb-2 assembly file, as rustc's `--emit asm` writes it.
//!
//! [`Function::find`] takes the lines between a function's label and its end apart into instructions. What they do to
//! the peripheral is in [`paths`], in which order they have to in [`order`].
//!
//! What counts as an instruction: every line that is not a label (`.LBB0_1:`), a directive (`.p2align`) or a comment
//! (`@ ...`). So `it` counts, as it does in the chip. The fence of an in-order core does not, for it is none: LLVM
//! writes a `compiler_fence` as the comment `@MEMBARRIER`. It is kept in its place, to be seen there.

use std::collections::BTreeMap;

pub mod order;
pub mod paths;

/// How LLVM writes a `compiler_fence`: a comment, where it has kept everything else from crossing.
pub const FENCE: &str = "@MEMBARRIER";

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
    /// Whether it is a branch that depends on the flags.
    pub conditional: bool,
    /// In an IT block: whether it is executed if the block's condition holds, or if it does not.
    pub guard: Option<bool>,
}

/// A function's body.
#[derive(Debug)]
pub struct Function {
    /// Its instructions and fences, in the order of the text.
    instructions: Vec<Instruction>,
    /// Its labels: the index of the instruction that follows.
    labels: BTreeMap<String, usize>,
}

impl Function {
    /// The function `name` of an assembly file, if it is there.
    pub fn find(assembly: &str, name: &str) -> Option<Self> {
        let head = format!("{name}:");
        let body = assembly.lines().map(without_comment).skip_while(|line| *line != head).skip(1);
        let mut function = Self { instructions: Vec::new(), labels: BTreeMap::new() };
        let mut guards = Vec::new().into_iter();
        for line in body {
            if line.starts_with(".Lfunc_end") {
                return Some(function);
            }
            if let Some(label) = line.strip_suffix(':') {
                function.labels.insert(label.to_owned(), function.instructions.len());
            } else if line == FENCE {
                function.instructions.push(Instruction::parse(line, None));
            } else if !line.is_empty() && !line.starts_with('.') {
                let instruction = Instruction::parse(line, guards.next());
                if let Some(block) = guards_of_it(&instruction.mnemonic) {
                    guards = block.into_iter();
                }
                function.instructions.push(instruction);
            }
        }
        None
    }

    /// How many instructions it has.
    pub fn count(&self) -> usize {
        self.instructions.iter().filter(|instruction| instruction.mnemonic != FENCE).count()
    }

    /// The names of the functions that are called, or jumped to at the end, in the order of the text.
    pub fn calls(&self) -> Vec<&str> {
        self.instructions.iter().filter_map(|instruction| self.callee(instruction)).collect()
    }

    /// What `instruction` calls, if it is a call. A branch to a label of another function is one.
    fn callee<'a>(&self, instruction: &'a Instruction) -> Option<&'a str> {
        let target = instruction.operands.first()?;
        match instruction.mnemonic.as_str() {
            "bl" | "blx" => Some(target),
            "b" if !self.labels.contains_key(target) => Some(target),
            _ => None,
        }
    }
}

impl Instruction {
    fn parse(line: &str, guard: Option<bool>) -> Self {
        let (mnemonic, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let mnemonic = mnemonic.trim_end_matches(".w").trim_end_matches(".n");
        let branch = mnemonic.strip_prefix('b').is_some_and(|condition| CONDITIONS.contains(&condition));
        let mnemonic = match mnemonic {
            _ if guard.is_some() => &mnemonic[..mnemonic.len() - 2],
            _ if branch => "b",
            _ => mnemonic,
        };
        let conditional = branch && guard.is_none();
        Self { mnemonic: mnemonic.to_owned(), operands: split_operands(operands), conditional, guard }
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

/// The line without its comment, unless that is a fence.
fn without_comment(line: &str) -> &str {
    if line.trim() == FENCE { FENCE } else { line.split('@').next().unwrap_or_default().trim() }
}

/// Splits at the commas that are not inside brackets: `r0, [r1, #4]` is two operands.
fn split_operands(text: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = text.split(|letter| {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
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
        Function::find(ASSEMBLY, "second").expect("it is in the text")
    }

    #[test]
    fn instructions_are_counted_without_labels_directives_and_comments() {
        assert_eq!(second().count(), 12);
        assert_eq!(second().instructions.len(), 13, "the fence is kept, though not counted");
        assert_eq!(Function::find(ASSEMBLY, "first").expect("it is in the text").count(), 1);
    }

    #[test]
    fn function_without_an_end_or_a_beginning_is_not_found() {
        assert!(Function::find(ASSEMBLY, "third").is_none());
        assert!(Function::find(ASSEMBLY, "fourth").is_none());
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
        assert!(second.instructions[9].conditional && second.instructions[10].conditional);
        assert!(!second.instructions[11].conditional && !second.instructions[12].conditional);
    }

    #[test]
    fn instructions_of_an_it_block_know_their_side() {
        let guards: Vec<_> = second().instructions[5..10].iter().map(|instruction| instruction.guard).collect();
        assert_eq!(guards, [None, Some(true), Some(true), Some(false), None]);
    }

    #[test]
    fn operands_are_split_outside_of_brackets() {
        assert_eq!(split_operands("r8, [sp], #4"), ["r8", "[sp]", "#4"]);
        assert_eq!(split_operands("r0, [r1, r2]"), ["r0", "[r1, r2]"]);
        assert_eq!(split_operands("r6!, {r2, r4, pc}"), ["r6!", "{r2, r4, pc}"]);
    }
}
