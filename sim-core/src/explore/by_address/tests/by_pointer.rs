//! Accesses past any cell, by a pointer.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A register, as a pointer.
fn pointer<T>(address: u32) -> *mut T {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

#[inline(never)]
fn peek<T: Copy>(address: u32) -> T {
    // SAFETY:
    // - It is a register's address, with nothing mapped there: the access is answered by the chip of this thread.
    unsafe { pointer::<T>(address).read_volatile() }
}

#[inline(never)]
fn poke<T>(address: u32, value: T) {
    // SAFETY:
    // - As in `peek`.
    unsafe { pointer::<T>(address).write_volatile(value) }
}

fn sends_by_pointer(_: &Bus) {
    let mut buffer = [1_u8, 2, 3];
    poke(address_of(map::epin_ptr(0)), buffer.as_mut_ptr() as u32);
    poke(address_of(map::epin_maxcnt(0)), 3_u32);
    poke(address_of(map::tasks_startepin(0)), 1_u32);
    while peek::<u32>(address_of(map::events_endepin(0))) == 0 {}
}

#[test]
fn driver_without_cells_is_answered_on_every_schedule() {
    let exploration = stepped::explore(&ByAddress::new(sends_by_pointer, 1), Limits::default());
    assert_eq!(exploration.verdict.kind(), Kind::Sound, "{exploration}");
    assert!(exploration.complete > 1, "{exploration}");
}

/// EPINEN and EPOUTEN can be read and written: all bits that they have, back again, in all ways to load and to compare.
fn moves(_: &Bus) {
    let register = address_of(map::epinen());
    for value in [0_u32, 1, 0x7F, 0x1FF] {
        poke(register, value);
        let read: u32 = peek(register);
        assert_eq!(read, value);
        let (wide, signed): (u64, i64) = (peek::<u32>(register).into(), peek::<i32>(register).into());
        assert_eq!((wide, signed), (value.into(), value.into()));
        for other in [0_u32, 1, 0x7F, 0x80, 0x1FF, u32::MAX] {
            let read = || peek::<u32>(register);
            assert_eq!(
                (read() == other, read() < other, read() & other == 0),
                (value == other, value < other, value & other == 0)
            );
            assert_eq!((read() as i32) < other as i32, (value as i32) < other as i32);
        }
    }
    poke(register, 1_u32);
}

#[test]
fn loads_stores_and_comparisons_are_what_they_are_on_the_chip() {
    let run = ByAddress::new(moves, 0).run();
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
}

#[test]
fn what_the_cpu_has_in_registers_is_kept() {
    let keeps = |_: &Bus| {
        let register = address_of(map::epinen());
        let (mut whole, mut parts) = (0_u64, 0.0_f64);
        for step in 0..50_u32 {
            whole = whole.rotate_left(7) ^ u64::from(peek::<u32>(register)) ^ u64::from(step);
            parts += f64::from(step) / 3.0 + f64::from(peek::<u32>(register));
        }
        let (mut expected, mut sum) = (0_u64, 0.0_f64);
        for step in 0..50_u32 {
            expected = expected.rotate_left(7) ^ 1 ^ u64::from(step);
            sum += f64::from(step) / 3.0 + 1.0;
        }
        assert_eq!((whole, parts.to_bits()), (expected, sum.to_bits()));
    };
    let run = ByAddress::new(keeps, 0).run();
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
}

#[test]
fn width_that_a_register_does_not_have_is_reported() {
    let run = ByAddress::new(|_| _ = peek::<u8>(0x4002_7400), 0).run();
    assert_eq!(run.verdict.kind(), Kind::Violation(Rule::AccessMode), "{}", run.verdict);
    let run = ByAddress::new(|_| poke(0x4002_7402, 1_u16), 0).run();
    assert_eq!(run.verdict.kind(), Kind::Violation(Rule::AccessMode), "{}", run.verdict);
}

#[test]
fn run_that_ends_at_a_pointer_leaves_the_firmware_and_the_next_is_sound() {
    let ends = |_: &Bus| while peek::<u32>(address_of(map::events_endepin(0))) == 0 {};
    let run = ByAddress::new(ends, 1).run();
    assert_eq!(run.verdict.kind(), Kind::Deadlock, "{}", run.verdict);
    let run = ByAddress::new(sends_by_pointer, 1).run();
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
}

#[test]
fn instruction_that_is_not_emulated_is_named() {
    let adds = |_: &Bus| {
        // SAFETY:
        // - As in `peek`; and the address is aligned.
        let register = unsafe { AtomicU32::from_ptr(pointer(address_of(map::epinen()))) };
        register.fetch_add(1, Ordering::Relaxed);
    };
    let run = ByAddress::new(adds, 0).run();
    let Verdict::Assertion { message, .. } = &run.verdict else { panic!("{}", run.verdict) };
    assert!(message.starts_with("a register is accessed by an instruction that is not emulated: "), "{message}");
}

/// Runs one of the tests below in a process of its own. Returns how it ended, and what it said.
fn process_of(test: &str) -> String {
    let program = std::env::current_exe().expect("this program is a file");
    let name = format!("explore::by_address::tests::by_pointer::{test}");
    let mut child = Command::new(program);
    child.args(["--ignored", "--exact", &name, "--nocapture"]).env("RUST_BACKTRACE", "1");
    let output = child.output().expect("this program can be run");
    format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}

#[test]
#[ignore = "ends its process: run by fault_elsewhere_is_passed_on"]
fn faults_at_null() {
    ByAddress::new(|_| _ = peek::<u32>(8), 0).run();
}

#[test]
#[ignore = "ends its process: run by fault_elsewhere_is_passed_on"]
fn overflows_the_stack() {
    fn recurse(depth: u64) -> u64 {
        let page = std::hint::black_box([depth; 512]);
        if depth == u64::MAX { 0 } else { recurse(depth + 1) + page[7] }
    }
    ByAddress::new(sends_by_pointer, 1).run();
    std::hint::black_box(recurse(0));
}

#[test]
fn fault_elsewhere_is_passed_on() {
    let null = process_of("faults_at_null");
    assert!(null.contains("signal: 11"), "{null}");
    let overflow = process_of("overflows_the_stack");
    assert!(overflow.contains("has overflowed its stack"), "{overflow}");
}

#[inline(never)]
fn looks_where_no_register_is(_: &Bus) {
    assert_eq!(peek::<u32>(address_of(0xFF0)), 0);
}

#[test]
#[ignore = "panics aloud: run by panic_shows_the_way_to_an_access_by_a_pointer"]
fn panics_at_a_register() {
    let looks = ByAddress::new(looks_where_no_register_is, 0);
    let run = ByAddress { policies: Policy::Panic.into(), ..looks }.run();
    assert_eq!(run.verdict.kind(), Kind::Violation(Rule::UnknownRegister), "{}", run.verdict);
}

#[test]
fn panic_shows_the_way_to_an_access_by_a_pointer() {
    let said = process_of("panics_at_a_register");
    assert!(said.starts_with("exit status: 0"), "{said}");
    let frames = ["by_pointer::peek", "by_pointer::looks_where_no_register_is", "by_address::run"];
    let places = frames.map(|frame| said.find(frame));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
}
