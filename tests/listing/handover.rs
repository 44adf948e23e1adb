//! The buffer's bytes on both sides of a transfer, on every path.
//!
//! - **sent**: each byte that the DMA will read is stored before START; then a fence. None is stored again before the
//!   end was read, and a fence after it.
//! - **received**: after the end was read, and a fence, the buffer is loaded from. Not before, and not never: bytes
//!   that the compiler believes to know are not loaded.
//!
//! Which memory is the buffer, the code says itself: its address is given to a register of the chip, once, before
//! START.
//!
//! A complaint says which of the two went wrong: a byte that is not there, or a fence that is not. Without a fence the
//! compiler may happen to emit the right order, which proves nothing about the next version of it.

use super::Function;
use super::paths::{Event, Path, accesses};
use super::values::{Memory, Place};

/// A transfer, by what the chip sees of it.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The register that starts it: the first write after the buffer's address was given away.
    pub start: u32,
    /// The register by which the end is seen.
    pub end: u32,
    /// How many bytes the buffer has.
    pub bytes: i64,
}

/// Checks that what is sent is in the buffer.
pub fn sent(function: &Function, transfer: Transfer) -> Result<(), String> {
    for_each_start(function, transfer, |path, start, buffer| {
        let stores =
            |event: &Event| matches!(event, Event::Store(place, bytes) if touches(buffer, *place, *bytes, transfer));
        let is_stored = |byte: &i64| path[..start].iter().any(|event| covers(event, buffer, *byte));
        let stored = (0..transfer.bytes).filter(is_stored).count();
        if i64::try_from(stored) != Ok(transfer.bytes) {
            return Err(format!("{stored} of {} bytes are stored before START", transfer.bytes));
        }
        let last = path[..start].iter().rposition(stores).unwrap_or(start);
        if !path[last..start].contains(&Event::Fence) {
            return Err("no fence between the stores and START".to_owned());
        }
        let mut later = (start..path.len()).filter(|index| stores(&path[*index]));
        later.try_for_each(|index| is_after_the_end(path, start, index, transfer))
    })
}

/// Checks that what was received is looked at.
pub fn received(function: &Function, transfer: Transfer) -> Result<(), String> {
    for_each_start(function, transfer, |path, start, buffer| {
        let loads =
            |event: &Event| matches!(event, Event::Load(place, bytes) if touches(buffer, *place, *bytes, transfer));
        let mut later = (start..path.len()).filter(|index| loads(&path[*index])).peekable();
        if later.peek().is_none() && path.last() != Some(&Event::Again) {
            return Err("the buffer is not loaded after START".to_owned());
        }
        later.try_for_each(|index| is_after_the_end(path, start, index, transfer))
    })
}

/// Does `check` on each path that starts the transfer, with the index of START and the buffer's first byte.
fn for_each_start(
    function: &Function,
    transfer: Transfer,
    check: impl Fn(&Path, usize, Place) -> Result<(), String>,
) -> Result<(), String> {
    let mut started = false;
    for path in accesses(function)? {
        let lent = path.iter().enumerate().find_map(|(index, event)| match event {
            Event::Lend(place) => Some((index, *place)),
            _ => None,
        });
        let Some((index, buffer)) = lent else { continue };
        let is_start = |event: &Event| *event == Event::Write(transfer.start);
        let Some(start) = path[index..].iter().position(is_start).map(|after| index + after) else { continue };
        started = true;
        let explain = |reason| format!("{reason}: {path:?}");
        check(&path, start, buffer).map_err(explain)?;
    }
    if started { Ok(()) } else { Err("START is never written".to_owned()) }
}

/// Checks that END was read between START and the event at this index, and that a fence follows it.
fn is_after_the_end(path: &Path, start: usize, index: usize, transfer: Transfer) -> Result<(), String> {
    let between = &path[start..index];
    let Some(end) = between.iter().rposition(|event| *event == Event::Read(transfer.end)) else {
        return Err(format!("{:?} before END", path[index]));
    };
    if between[end..].contains(&Event::Fence) {
        Ok(())
    } else {
        Err(format!("no fence between END and {:?}", path[index]))
    }
}

/// Whether an access may touch the buffer.
fn touches(buffer: Place, place: Place, bytes: i64, transfer: Transfer) -> bool {
    match (buffer.offset, place.offset) {
        _ if place.memory == Memory::Unknown => true,
        _ if place.memory != buffer.memory => false,
        (Some(first), Some(offset)) => offset < first + transfer.bytes && first < offset + bytes,
        _ => true,
    }
}

/// Whether the event stores this byte of the buffer, for certain.
fn covers(event: &Event, buffer: Place, byte: i64) -> bool {
    let Event::Store(place, bytes) = event else { return false };
    let (Some(first), Some(offset)) = (buffer.offset, place.offset) else { return false };
    place.memory == buffer.memory && (offset..offset + bytes).contains(&(first + byte))
}

#[cfg(test)]
mod tests {
    use super::super::Machine;
    use super::*;

    const TRANSFER: Transfer = Transfer { start: 0x4002_0044, end: 0x4002_0000, bytes: 8 };
    const FILL: &str = "movq %rax, (%rdi)";
    const FENCE: &str = "#MEMBARRIER";
    const LEND: &str = "movl %edi, 1073872976";
    const START: &str = "movl $145, 1073872964";
    const WAIT: &str = ".L1:\n testl $40960, 1073872896 \n je .L1";
    const STOP: &str = "movl $0, 1073872964";
    const LOAD: &str = "movb 3(%rdi), %al";

    type Check = fn(&Function, Transfer) -> Result<(), String>;

    fn checked(check: Check, lines: &[&str]) -> Result<(), String> {
        let assembly = format!("f:\n{}\nretq\n.Lfunc_end0:\n", lines.join("\n"));
        check(&Function::find(Machine::X86, &assembly, "f").expect("it is in the text"), TRANSFER)
    }

    #[track_caller]
    fn assert_rejected(check: Check, lines: &[&str], expected: &str) {
        let complaint = checked(check, lines).expect_err("the order is wrong");
        assert!(complaint.starts_with(expected), "{complaint}");
    }

    #[test]
    fn buffer_that_is_filled_before_the_start_and_after_the_end_is_accepted() {
        assert_eq!(checked(sent, &[FILL, LEND, FENCE, START]), Ok(()));
        assert_eq!(checked(sent, &[STOP, FILL, FENCE, LEND, START, WAIT, FENCE, STOP, FILL]), Ok(()));
        let halves = ["movl %eax, (%rdi)", "movl %eax, 4(%rdi)"];
        assert_eq!(checked(sent, &[halves[0], halves[1], FENCE, LEND, START]), Ok(()));
    }

    #[test]
    fn bytes_that_are_missing_at_the_start_are_counted() {
        assert_rejected(sent, &[FENCE, LEND, START], "0 of 8 bytes are stored before START");
        assert_rejected(sent, &[FENCE, LEND, START, FILL], "0 of 8 bytes are stored before START");
        assert_rejected(sent, &["movl %eax, (%rdi)", FENCE, LEND, START], "4 of 8 bytes");
        assert_rejected(sent, &["movq %rax, -4(%rdi)", FENCE, LEND, START], "4 of 8 bytes");
        assert_rejected(sent, &["movq %rax, (%rsi)", FENCE, LEND, START], "0 of 8 bytes");
        assert_rejected(sent, &["movq %rax, (%rsp)", FENCE, LEND, START], "0 of 8 bytes");
    }

    #[test]
    fn bytes_that_one_path_does_not_store_are_missing() {
        assert_rejected(sent, &["je .L2", FILL, ".L2:", FENCE, LEND, START], "0 of 8 bytes");
    }

    #[test]
    fn fence_before_the_last_store_does_not_count() {
        assert_rejected(sent, &[FENCE, FILL, LEND, START], "no fence between the stores and START");
    }

    #[test]
    fn buffer_that_is_filled_again_before_the_end_is_rejected() {
        assert_rejected(sent, &[FILL, FENCE, LEND, START, FILL, WAIT], "store 8 to Argument+0 before END");
        assert_rejected(sent, &[WAIT, FILL, FENCE, LEND, START, FENCE, FILL], "store 8 to Argument+0 before END");
        assert_rejected(sent, &[FILL, FENCE, LEND, START, WAIT, STOP, FILL], "no fence between END and store 8");
    }

    #[test]
    fn store_through_a_pointer_that_nobody_knows_may_touch_the_buffer() {
        let store = "movq %rax, (%rsi)";
        assert_rejected(sent, &[FILL, FENCE, LEND, START, store], "store 8 to Unknown+? before END");
    }

    #[test]
    fn buffer_that_is_loaded_after_the_end_is_accepted() {
        assert_eq!(checked(received, &[FILL, FENCE, LEND, START, WAIT, FENCE, STOP, LOAD]), Ok(()));
    }

    #[test]
    fn buffer_that_is_not_loaded_is_rejected() {
        assert_rejected(received, &[FILL, FENCE, LEND, START, WAIT, FENCE, STOP], "the buffer is not loaded");
        assert_rejected(received, &[LOAD, FENCE, LEND, START, WAIT, FENCE, STOP], "the buffer is not loaded");
        let one_path = [LEND, START, WAIT, FENCE, "je .L2", LOAD, ".L2:"];
        assert_rejected(received, &one_path, "the buffer is not loaded");
    }

    #[test]
    fn buffer_that_is_loaded_too_early_is_rejected() {
        assert_rejected(received, &[LEND, START, LOAD, WAIT, FENCE], "load 1 from Argument+3 before END");
        assert_rejected(received, &[LEND, START, FENCE, WAIT, LOAD], "no fence between END and load 1");
    }

    #[test]
    fn function_that_never_starts_is_rejected() {
        assert_rejected(sent, &[FILL, FENCE, LEND], "START is never written");
        assert_rejected(received, &[START, WAIT, FENCE, LOAD], "START is never written");
    }
}
