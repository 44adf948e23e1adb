//! The order that a transfer needs, on every path of the compiled code.
//!
//! - **release**: the copy into the buffer, then a fence, then TASKS_STARTEPIN\[0\], and nothing but reads after that.
//! - **acquire**: the read of EVENTS_ENDEPIN\[0\] that may have seen the end, then a fence, then anything but reads.
//!
//! The two prove different things. That the copy comes before the start is what the chip needs. That a fence stands
//! between them is why the next version of the compiler has to keep it so: take the fence out, and today's compiler
//! happens to emit the same order.

use super::Function;
use super::paths::{Event, Path, paths};

const TASKS_STARTEPIN_0: u32 = 0x4002_7004;
const EVENTS_ENDEPIN_0: u32 = 0x4002_7108;

/// Checks the release side, on every path of `function` that starts the transfer.
pub fn released_before_start(function: &Function) -> Result<(), String> {
    let mut started = false;
    for path in paths(function)? {
        let Some(start) = path.iter().position(|event| *event == Event::Write(TASKS_STARTEPIN_0)) else {
            continue;
        };
        started = true;
        let Some(copy) = path[..start].iter().rposition(is_copy) else {
            return Err(format!("no copy before TASKS_STARTEPIN[0]: {path:?}"));
        };
        if !path[copy..start].contains(&Event::Fence) {
            return Err(format!("no fence between the copy and TASKS_STARTEPIN[0]: {path:?}"));
        }
        if let Some(event) = first_but_reads(&path, start + 1) {
            return Err(format!("{event:?} after TASKS_STARTEPIN[0]: {path:?}"));
        }
    }
    if started { Ok(()) } else { Err("TASKS_STARTEPIN[0] is never written".to_owned()) }
}

/// Checks the acquire side, on every path of `function` that goes on after it has read EVENTS_ENDEPIN\[0\].
pub fn acquired_after_end(function: &Function) -> Result<(), String> {
    let mut ended = false;
    for path in paths(function)? {
        let Some(end) = path.iter().rposition(|event| *event == Event::Read(EVENTS_ENDEPIN_0)) else {
            continue;
        };
        match first_but_reads(&path, end) {
            Some(Event::Fence) => ended = true,
            Some(event) => return Err(format!("no fence between EVENTS_ENDEPIN[0] and {event:?}: {path:?}")),
            None => {}
        }
    }
    if ended { Ok(()) } else { Err("nothing follows a read of EVENTS_ENDEPIN[0]".to_owned()) }
}

fn first_but_reads(path: &Path, from: usize) -> Option<&Event> {
    path[from..].iter().find(|event| !matches!(event, Event::Read(_)))
}

fn is_copy(event: &Event) -> bool {
    matches!(event, Event::Call(name) if name.contains("memcpy"))
}

#[cfg(test)]
mod tests {
    use super::super::Machine;
    use super::*;

    const BASE: &str = "movw r4, #28672 \n movt r4, #16386";
    const COPY: &str = "bl __aeabi_memcpy";
    const FENCE: &str = "@MEMBARRIER";
    const SHORTS: &str = "str.w r5, [r4, #512]";
    const START: &str = "str r5, [r4, #4]";
    const READ_END: &str = "ldr.w r0, [r4, #264]";
    const CLEAR_END: &str = "str.w r5, [r4, #264]";

    fn function(lines: &[&str]) -> Function {
        let assembly = format!("f:\n{BASE}\n{}\nbx lr\n.Lfunc_end0:\n", lines.join("\n"));
        Function::find(Machine::Thumb, &assembly, "f").expect("it is in the text")
    }

    #[track_caller]
    fn assert_start_rejected(lines: &[&str], expected: &str) {
        let complaint = released_before_start(&function(lines)).expect_err("the order is wrong");
        assert!(complaint.starts_with(expected), "{complaint}");
    }

    #[track_caller]
    fn assert_end_rejected(lines: &[&str], expected: &str) {
        let complaint = acquired_after_end(&function(lines)).expect_err("the order is wrong");
        assert!(complaint.starts_with(expected), "{complaint}");
    }

    #[test]
    fn start_after_copy_and_fence_is_accepted() {
        assert_eq!(released_before_start(&function(&[COPY, FENCE, SHORTS, START])), Ok(()));
    }

    #[test]
    fn start_before_the_copy_is_rejected() {
        assert_start_rejected(&[FENCE, SHORTS, START, COPY], "no copy before TASKS_STARTEPIN[0]");
    }

    #[test]
    fn copy_that_one_path_jumps_over_is_rejected() {
        assert_start_rejected(&["cbz r0, .L1", COPY, ".L1:", FENCE, START], "no copy before TASKS_STARTEPIN[0]");
    }

    #[test]
    fn fence_before_the_copy_is_rejected() {
        assert_start_rejected(&[FENCE, COPY, START], "no fence between the copy and TASKS_STARTEPIN[0]");
    }

    #[test]
    fn register_read_after_the_start_is_accepted() {
        assert_eq!(released_before_start(&function(&[COPY, FENCE, START, READ_END])), Ok(()));
    }

    #[test]
    fn register_written_after_the_start_is_rejected() {
        assert_start_rejected(&[COPY, FENCE, START, SHORTS], "write 0x40027200 after TASKS_STARTEPIN[0]");
    }

    #[test]
    fn register_written_after_the_start_but_above_it_in_the_text_is_rejected() {
        let lines = |between| [COPY, FENCE, "b .L2", ".L1:", between, "bx lr", ".L2:", START, "b .L1"];
        assert_eq!(released_before_start(&function(&lines("nop"))), Ok(()));
        assert_start_rejected(&lines(SHORTS), "write 0x40027200 after TASKS_STARTEPIN[0]");
    }

    #[test]
    fn function_that_never_starts_is_rejected() {
        assert_start_rejected(&[COPY, FENCE, SHORTS], "TASKS_STARTEPIN[0] is never written");
    }

    #[test]
    fn fence_after_the_end_is_accepted() {
        assert_eq!(acquired_after_end(&function(&[READ_END, "cbz r0, .L1", FENCE, CLEAR_END, ".L1:"])), Ok(()));
    }

    #[test]
    fn fence_before_the_end_is_rejected() {
        let expected = "no fence between EVENTS_ENDEPIN[0] and write 0x40027108";
        assert_end_rejected(&[FENCE, READ_END, "cbz r0, .L1", CLEAR_END, ".L1:"], expected);
    }

    #[test]
    fn copy_before_the_fence_that_takes_the_buffer_back_is_rejected() {
        let expected = "no fence between EVENTS_ENDEPIN[0] and call __aeabi_memcpy";
        assert_end_rejected(&[READ_END, COPY, FENCE, START], expected);
    }

    #[test]
    fn function_that_never_ends_is_rejected() {
        assert_end_rejected(&[COPY, FENCE, START], "nothing follows a read of EVENTS_ENDEPIN[0]");
        assert_end_rejected(&[FENCE, READ_END], "nothing follows a read of EVENTS_ENDEPIN[0]");
    }
}
