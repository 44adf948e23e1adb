//! What an instruction of x86-64 does, as far as paths go.

use super::paths::{Flow, State};
use super::values::Value;
use super::{FENCE, Instruction, split_operands};

/// rdi, rsi, rdx.
pub const ARGUMENTS: [usize; 3] = [7, 6, 2];
/// rsp.
pub const STACK: usize = 4;
/// rax, rcx, rdx, rsi, rdi, r8 to r11.
pub const CHANGED_BY_A_CALL: [usize; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];

/// The line's instruction. AT&T writes the destination last.
pub fn parse(line: &str) -> Instruction {
    let (mnemonic, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let condition = mnemonic.strip_prefix('j').filter(|_| mnemonic != "jmp").map(str::to_owned);
    let mnemonic = if line == FENCE { FENCE } else { mnemonic };
    Instruction { mnemonic: mnemonic.to_owned(), operands: split_operands(operands), condition, guard: None }
}

/// Does `instruction`, which is no call, or is not able to tell what it does.
pub fn execute(instruction: &Instruction, state: &mut State) -> Option<Flow> {
    let mnemonic = instruction.mnemonic.as_str();
    let operands: Vec<&str> = instruction.operands.iter().map(String::as_str).collect();
    match (mnemonic, operands.as_slice()) {
        ("jmp", [label]) => return Some(Flow::Jump((*label).to_owned())),
        (_, [label]) if instruction.condition.is_some() => return Some(Flow::Branch((*label).to_owned())),
        ("ret" | "retq" | "ud2", []) => return Some(Flow::Return),
        ("mfence", []) => state.path.push(super::paths::Event::Fence),
        ("nop" | "nopw" | "nopl", _) => {}
        ("pushq", [_]) => state.values[STACK] = state.values[STACK].minus(Value::Known(8)),
        ("popq", [to]) => {
            state.values[STACK] = state.values[STACK].plus(Value::Known(8));
            set(state, to, Value::Unknown)?;
        }
        ("leaq" | "leal", [place, to]) => {
            let address = address(state, place)?;
            set(state, to, if mnemonic == "leal" { address.in_32_bits() } else { address })?;
        }
        ("xorl" | "xorq", [from, to]) if from == to => set(state, to, Value::Known(0))?,
        ("addq" | "subq" | "addl" | "subl", [by, to]) if to.starts_with('%') => {
            let (from, by) = (value(state, to)?, read(state, by, mnemonic)?);
            let sum = if mnemonic.starts_with("add") { from.plus(by) } else { from.minus(by) };
            set(state, to, if mnemonic.ends_with('l') { sum.in_32_bits() } else { sum })?;
        }
        (_, [from, to]) if mnemonic.starts_with("mov") => {
            let from = read(state, from, mnemonic)?;
            // What is extended, or a part of a register, is another value.
            let whole = matches!(mnemonic, "movl" | "movq" | "movabsq");
            let from = if whole { from } else { Value::Unknown };
            write(state, to, if mnemonic == "movl" { from.in_32_bits() } else { from }, mnemonic)?;
        }
        _ if is_comparison(mnemonic) => {
            for operand in operands {
                read(state, operand, mnemonic)?;
            }
        }
        (_, [to]) if mnemonic.starts_with("set") => write(state, to, Value::Unknown, "movb")?,
        (_, [from @ .., to]) if is_arithmetic(mnemonic) => {
            for operand in from {
                read(state, operand, mnemonic)?;
            }
            read(state, to, mnemonic)?;
            write(state, to, Value::Unknown, mnemonic)?;
        }
        _ => return None,
    }
    Some(Flow::On)
}

/// What sets the flags and nothing else.
fn is_comparison(mnemonic: &str) -> bool {
    ["cmp", "test", "bt"].contains(&without_width(mnemonic))
}

/// What changes its last operand.
fn is_arithmetic(mnemonic: &str) -> bool {
    let names = [
        "add", "sub", "adc", "sbb", "and", "or", "xor", "not", "neg", "inc", "dec", "shl", "shr", "sar", "rol", "ror",
        "imul", "bts", "btr", "bsf", "bsr",
    ];
    mnemonic.starts_with("cmov") || names.contains(&without_width(mnemonic))
}

/// `add`, of `addl`.
fn without_width(mnemonic: &str) -> &str {
    mnemonic.strip_suffix(['b', 'w', 'l', 'q']).unwrap_or(mnemonic)
}

/// How many bytes of memory an instruction accesses, by its ending.
fn size_of(mnemonic: &str) -> Option<i64> {
    match mnemonic {
        "movaps" | "movups" | "movapd" | "movupd" | "movdqa" | "movdqu" => return Some(16),
        "movd" | "movss" => return Some(4),
        "movsd" => return Some(8),
        _ => {}
    }
    // movzbl: a byte becomes a long.
    let extended = mnemonic.strip_prefix("movz").or(mnemonic.strip_prefix("movs")).filter(|rest| rest.len() == 2);
    match extended.map_or(mnemonic.chars().last(), |rest| rest.chars().next())? {
        'b' => Some(1),
        'w' => Some(2),
        'l' => Some(4),
        'q' => Some(8),
        _ => None,
    }
}

/// The value of an operand, loaded if it is in memory.
fn read(state: &mut State, operand: &str, mnemonic: &str) -> Option<Value> {
    if operand.starts_with(['%', '$']) {
        return value(state, operand);
    }
    let address = address(state, operand)?;
    state.load(address, size_of(mnemonic)?)?;
    Some(Value::Unknown)
}

/// Sets a register, or stores.
fn write(state: &mut State, operand: &str, value: Value, mnemonic: &str) -> Option<()> {
    if operand.starts_with('%') {
        return set(state, operand, value);
    }
    let address = address(state, operand)?;
    state.store(address, size_of(mnemonic)?, value)
}

/// The address that an operand names: `1073872904`, `8(%rdi)`, `8(%rsp,%rax,2)`, `DMA1+4(%rip)`.
fn address(state: &State, operand: &str) -> Option<Value> {
    let (displacement, inside) = match operand.strip_suffix(')') {
        Some(rest) => rest.split_once('(')?,
        None => (operand, ""),
    };
    let displacement = match displacement {
        "" => Value::Known(0),
        text => text.parse().map_or_else(|_| Value::of_symbol(text), Value::Known),
    };
    if inside == "%rip" {
        return Some(displacement);
    }
    let (base, index) = inside.split_once(',').unwrap_or((inside, ""));
    let base = if base.is_empty() { Value::Known(0) } else { value(state, base)? };
    let index = match index.split_once(',') {
        _ if index.is_empty() => Value::Known(0),
        None => value(state, index)?,
        // Scaled: nobody knows.
        Some(_) => Value::Unknown,
    };
    // A register of the chip at an unknown offset: nothing that can be told.
    let is_register = |value| matches!(value, Value::Known(0x4000_0000..0x6000_0000));
    let parts = [displacement, base, index];
    if parts.contains(&Value::Unknown) && parts.into_iter().any(is_register) {
        return None;
    }
    Some(displacement.plus(base).plus(index))
}

/// The value of a register or of a number.
fn value(state: &State, operand: &str) -> Option<Value> {
    if let Some(number) = operand.strip_prefix('$') {
        return Some(number.parse().map_or_else(|_| Value::of_symbol(number), Value::Known));
    }
    let register = operand.strip_prefix('%')?;
    let Some((number, bytes)) = number_of_register(register) else {
        return is_vector(register).then_some(Value::Unknown);
    };
    Some(if bytes < 4 { Value::Unknown } else { state.values[number] })
}

/// Sets a register, or says that it is none. Of a part of one, the whole is unknown afterwards.
fn set(state: &mut State, operand: &str, value: Value) -> Option<()> {
    let register = operand.strip_prefix('%')?;
    let Some((number, bytes)) = number_of_register(register) else {
        return is_vector(register).then_some(());
    };
    state.values[number] = if bytes < 4 { Value::Unknown } else { value };
    Some(())
}

fn is_vector(register: &str) -> bool {
    register.starts_with("xmm")
}

/// The number of a register, and how many bytes of it the name means.
fn number_of_register(name: &str) -> Option<(usize, u8)> {
    if let Some(rest) = name.strip_prefix('r').filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit())) {
        let number = rest.trim_end_matches(['b', 'w', 'd']).parse().ok().filter(|number| *number < 16)?;
        let bytes = match rest.chars().last() {
            Some('b') => 1,
            Some('w') => 2,
            Some('d') => 4,
            _ => 8,
        };
        return Some((number, bytes));
    }
    let names = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
    let bytes = match name.as_bytes() {
        [b'r', _, _] => 8,
        [b'e', _, _] => 4,
        [_, b'x' | b'p' | b'i'] => 2,
        _ => 1,
    };
    let stem = match bytes {
        8 | 4 => name[1..].to_owned(),
        2 => name.to_owned(),
        // al, ah, spl, sil.
        _ if name.len() == 3 => name.strip_suffix('l')?.to_owned(),
        _ => format!("{}x", &name[..1]),
    };
    names.iter().position(|name| *name == stem).map(|number| (number, bytes))
}

#[cfg(test)]
mod tests {
    use super::super::paths::{Event, accesses};
    use super::super::values::{Memory, Place};
    use super::super::{Function, Machine};

    fn only_path_of(body: &str) -> Vec<Event> {
        let assembly = format!("f:\n{body}\n.Lfunc_end0:\n");
        let function = Function::find(Machine::X86, &assembly, "f").expect("it is in the text");
        let paths: Vec<_> = accesses(&function).expect("the body is readable").into_iter().collect();
        let [path] = paths.try_into().expect("there is one way through it");
        path
    }

    fn argument(offset: i64) -> Place {
        Place { memory: Memory::Argument, offset: Some(offset) }
    }

    #[test]
    fn registers_of_the_chip_are_known_by_number_and_by_symbol() {
        let body = "movl $1, 1073872904 \n movl DMA1+8(%rip), %eax \n xorl %ecx, %ecx \n leaq DMA1+4(%rcx), %rdx
            movl %eax, -4(%rdx) \n testb $15, USART1(%rip) \n retq";
        let expected =
            [Event::Write(0x4002_0008), Event::Read(0x4002_0008), Event::Write(0x4002_0000), Event::Read(0x4001_3800)];
        assert_eq!(only_path_of(body), expected);
    }

    #[test]
    fn memory_is_accessed_in_the_size_of_the_instruction() {
        let body = "movaps .LCPI0_0(%rip), %xmm0 \n movups %xmm0, (%rdi) \n movq %rdi, %rax \n movzbl 3(%rax), %eax
            movb $90, 4(%rdi) \n addl $8, %edi \n incw 2(%rdi) \n retq";
        let constant = Place { memory: Memory::Object, offset: Some(0) };
        let expected = [
            Event::Load(constant, 16),
            Event::Store(argument(0), 16),
            Event::Load(argument(3), 1),
            Event::Store(argument(4), 1),
            Event::Load(argument(10), 2),
            Event::Store(argument(10), 2),
        ];
        assert_eq!(only_path_of(body), expected);
    }

    #[test]
    fn pointer_that_a_register_of_the_chip_is_given_is_lent() {
        let body = "pushq %rbx \n #MEMBARRIER \n movl %edi, 1073872976 \n movl %esp, 1073872976 \n popq %rbx \n ret";
        let stack = Place { memory: Memory::Stack, offset: Some(-8) };
        let written = Event::Write(0x4002_0050);
        assert_eq!(
            only_path_of(body),
            [Event::Fence, Event::Lend(argument(0)), written.clone(), Event::Lend(stack), written]
        );
    }

    #[test]
    fn part_of_a_register_makes_the_whole_unknown() {
        let body = "movb $0, %dil \n movl (%rdi), %eax \n movl %eax, %r9d \n movw %ax, 8(%rsp,%r9) \n retq";
        let unknown = Place { memory: Memory::Unknown, offset: None };
        let stack = Place { memory: Memory::Stack, offset: None };
        assert_eq!(only_path_of(body), [Event::Load(unknown, 4), Event::Store(stack, 2)]);
    }

    #[test]
    fn unknown_instructions_and_registers_of_the_chip_are_refused() {
        for body in ["rep stosb", "movl %eax, 1073872904(%rax)"] {
            let assembly = format!("f:\n{body}\n.Lfunc_end0:\n");
            let function = Function::find(Machine::X86, &assembly, "f").expect("it is in the text");
            assert!(accesses(&function).is_err(), "{body}");
        }
    }
}
