//! What an instruction of a Cortex-M4F does, as far as paths go.

use super::paths::{Flow, State};
use super::values::{Memory, Value};
use super::{Function, Instruction};

/// r0, r1, r2.
pub const ARGUMENTS: [usize; 3] = [0, 1, 2];
/// sp.
pub const STACK: usize = 13;
/// r0 to r3, ip, lr.
pub const CHANGED_BY_A_CALL: [usize; 6] = [0, 1, 2, 3, 12, 14];

/// Does `instruction`, which is no call, or is not able to tell what it does.
pub fn execute(function: &Function, instruction: &Instruction, state: &mut State) -> Option<Flow> {
    let operands: Vec<&str> = instruction.operands.iter().map(String::as_str).collect();
    match (instruction.mnemonic.as_str(), operands.as_slice()) {
        ("b", [label]) if instruction.condition.is_some() => return Some(Flow::Branch((*label).to_owned())),
        ("b", [label]) => return Some(Flow::Jump((*label).to_owned())),
        ("cbz" | "cbnz", [_, label]) => return Some(Flow::Branch((*label).to_owned())),
        ("bx", ["lr"]) => return Some(Flow::Return),
        ("dmb", _) => state.path.push(super::paths::Event::Fence),
        ("cmp" | "cmn" | "tst" | "nop", _) => {}
        ("push", [list]) => {
            let pushed = state.values[STACK].minus(size_of_list(list));
            state.values[STACK] = pushed;
        }
        ("pop", [list]) => {
            state.values[STACK] = state.values[STACK].plus(size_of_list(list));
            set_list(state, list)?;
            if list.contains("pc") {
                return Some(Flow::Return);
            }
        }
        ("mov" | "movs" | "movw", [to, from]) => set(state, to, value(state, from)?)?,
        ("movt", [to, high]) => {
            let joined = match (value(state, to)?, value(state, high)?) {
                (Value::Known(low), Value::Known(high)) => Value::Known(low & 0xFFFF | high << 16),
                // Both halves of the address of an object.
                (low, high) if low == high => low,
                _ => Value::Unknown,
            };
            set(state, to, joined)?;
        }
        ("add" | "adds" | "addw" | "sub" | "subs" | "subw", [to, .., by]) if operands.len() <= 3 => {
            let from = value(state, if operands.len() == 3 { operands[1] } else { to })?;
            let by = value(state, by)?;
            let sum = if instruction.mnemonic.starts_with("add") { from.plus(by) } else { from.minus(by) };
            set(state, to, sum.in_32_bits())?;
        }
        ("add" | "adds" | "sub" | "subs" | "adc" | "adcs" | "sbc" | "sbcs" | "rsb" | "rsbs", [to, ..])
        | ("and" | "ands" | "orr" | "orrs" | "orn" | "eor" | "eors" | "bic" | "bics" | "mvn" | "mvns", [to, ..])
        | ("lsl" | "lsls" | "lsr" | "lsrs" | "asr" | "asrs" | "ror" | "rors" | "clz" | "rbit", [to, ..])
        | ("uxtb" | "uxth" | "sxtb" | "sxth" | "ubfx" | "sbfx" | "bfi" | "bfc" | "mul" | "muls", [to, ..]) => {
            set(state, to, Value::Unknown)?;
        }
        ("ldr", [to, label]) if label.starts_with('.') => {
            let text = function.pool.get(*label)?;
            let constant = text.parse().map_or_else(|_| Value::of_symbol(text), Value::Known);
            set(state, to, constant.in_32_bits())?;
        }
        ("ldr" | "ldrb" | "ldrh" | "ldrsb" | "ldrsh", [to, place, by @ ..]) => {
            let address = address(state, place, by)?;
            state.load(address, size_of(&instruction.mnemonic))?;
            set(state, to, Value::Unknown)?;
        }
        ("ldrd", [first, second, place, by @ ..]) => {
            let address = address(state, place, by)?;
            state.load(address, 8)?;
            set(state, first, Value::Unknown)?;
            set(state, second, Value::Unknown)?;
        }
        ("str" | "strb" | "strh", [from, place, by @ ..]) => {
            let from = value(state, from)?;
            let address = address(state, place, by)?;
            state.store(address, size_of(&instruction.mnemonic), from)?;
        }
        ("strd", [first, second, place, by @ ..]) => {
            let values = [value(state, first)?, value(state, second)?];
            let address = address(state, place, by)?;
            state.store(address, 4, values[0])?;
            state.store(address.plus(Value::Known(4)), 4, values[1])?;
        }
        ("ldm" | "stm", [base, list]) => {
            let place = format!("[{}]", base.trim_end_matches('!'));
            let address = address(state, &place, &[])?;
            let Value::Known(size) = size_of_list(list) else { return None };
            if instruction.mnemonic == "ldm" {
                state.load(address, size)?;
                set_list(state, list)?;
            } else {
                state.store(address, size, Value::Unknown)?;
            }
            if let Some(base) = base.strip_suffix('!') {
                set(state, base, address.plus(Value::Known(size)))?;
            }
        }
        _ => return None,
    }
    Some(Flow::On)
}

/// Whether the flags are others afterwards.
pub fn sets_flags(instruction: &Instruction) -> bool {
    let compares = ["cmp", "cmn", "tst", "teq", "bl", "blx"].contains(&instruction.mnemonic.as_str());
    compares || instruction.mnemonic.ends_with('s')
}

/// The condition that holds where this one does not.
pub fn opposite(condition: &str) -> Option<&'static str> {
    let pairs = [["eq", "ne"], ["hs", "lo"], ["mi", "pl"], ["vs", "vc"], ["hi", "ls"], ["ge", "lt"], ["gt", "le"]];
    pairs.into_iter().find_map(|[one, other]| match condition {
        _ if condition == one => Some(other),
        _ if condition == other => Some(one),
        _ => None,
    })
}

/// The address that a place names: `[r0]`, `[r0, #4]`, `[r0, r1]`, `[r0, #4]!`, or `[r0]` and then `by`.
fn address(state: &mut State, place: &str, by: &[&str]) -> Option<Value> {
    let inside = place.strip_prefix('[')?.trim_end_matches('!').strip_suffix(']')?;
    let (base, offset) = inside.split_once(',').map_or((inside, "#0"), |(base, offset)| (base, offset.trim()));
    // A register that is shifted: nobody knows.
    let offset_value = if offset.contains(',') { Value::Unknown } else { value(state, offset)? };
    let base_value = value(state, base)?;
    match (base_value, offset_value) {
        // A register of the chip at an unknown offset: nothing that can be told.
        (Value::Known(_), Value::Unknown) => return None,
        (Value::Unknown, Value::Known(_)) if !offset.starts_with('#') => return None,
        _ => {}
    }
    let address = base_value.plus(offset_value).in_32_bits();
    if place.ends_with('!') {
        set(state, base, address)?;
    } else if let [by] = by {
        let moved = address.plus(value(state, by)?);
        set(state, base, moved)?;
    }
    Some(address)
}

/// How many bytes the registers in braces have.
fn size_of_list(list: &str) -> Value {
    i64::try_from(4 * list.split(',').count()).map_or(Value::Unknown, Value::Known)
}

fn size_of(mnemonic: &str) -> i64 {
    match mnemonic.chars().last() {
        Some('b') => 1,
        Some('h') => 2,
        _ => 4,
    }
}

/// Forgets the registers in braces.
fn set_list(state: &mut State, list: &str) -> Option<()> {
    list.trim_matches(['{', '}']).split(',').try_for_each(|register| set(state, register.trim(), Value::Unknown))
}

/// Sets a register, or says that it is none.
fn set(state: &mut State, register: &str, value: Value) -> Option<()> {
    state.values[number_of_register(register)?] = value;
    Some(())
}

/// The value of a register, a number, or half of a symbol's address.
fn value(state: &State, operand: &str) -> Option<Value> {
    if let Some(symbol) = operand.strip_prefix(":lower16:").or(operand.strip_prefix(":upper16:")) {
        return Some(match Value::of_symbol(symbol.trim_matches(['(', ')'])) {
            Value::Known(address) if operand.starts_with(":lower16:") => Value::Known(address & 0xFFFF),
            Value::Known(address) => Value::Known(address >> 16),
            _ => Memory::Object.start(),
        });
    }
    let Some(number) = operand.strip_prefix('#') else {
        return Some(state.values[number_of_register(operand)?]);
    };
    let (negative, digits) = number.strip_prefix('-').map_or((false, number), |digits| (true, digits));
    let magnitude: i64 = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(Value::Known(if negative { -magnitude } else { magnitude }))
}

fn number_of_register(name: &str) -> Option<usize> {
    match name {
        "sp" => Some(STACK),
        "lr" => Some(14),
        "pc" => Some(15),
        _ => name.strip_prefix('r')?.parse().ok().filter(|number| *number <= 12),
    }
}
