//! The shapes with memory in the place of one location: a buffer that is handed over.
//!
//! The first thread accesses the buffer and writes a register; the second reads the register, and accesses the buffer
//! if it has read that. A race is what C++20 calls undefined, so the shape shows as a race, whatever outcome it has.

use std::sync::Arc;

use loom::thread;
use sim_core::explore::Kind;
use sim_core::explore::model::cell::Shadow;
use sim_core::explore::model::{self, Limits};
use sim_core::machine::{Fences, Machine, Strength};
use sim_core::monitor::clocks::Access::{self, Read, Write};

use super::memory::{Atomics, Memory, Registers};
use super::program::{Fence, Place};

/// The name of each shape, and what its threads do with the buffer.
const SHAPES: [(&str, Access, Access); 3] = [("MP", Write, Read), ("LB", Read, Write), ("S", Write, Write)];

/// What loom says of a hand-over with these accesses and fences.
fn judge<M: Memory>(first: Access, then: Access, release: bool, acquire: bool) -> Kind {
    let limits = Limits { releases: 1, ..Limits::default() };
    let verdict = model::explore(limits, move || {
        let shared = Arc::new((M::new(), Shadow::new()));
        let other = shared.clone();
        let handing_over = thread::spawn(move || {
            other.1.touch(first);
            if release {
                M::fence(Fence::Release);
            }
            other.0.write(Place::Y, 1);
        });
        if shared.0.read(Place::Y) == 1 {
            if acquire {
                M::fence(Fence::Acquire);
            }
            shared.1.touch(then);
        }
        handing_over.join().expect("loom ends the execution where a thread panics");
    });
    verdict.kind()
}

fn check(release: bool, acquire: bool, expected: Kind) {
    for (name, first, then) in SHAPES {
        assert_eq!(judge::<Registers>(first, then, release, acquire), expected, "{name}, registers");
        assert_eq!(judge::<Atomics>(first, then, release, acquire), expected, "{name}, atomics");
    }
}

#[test]
fn hand_over_with_both_fences_is_sound() {
    check(true, true, Kind::Sound);
}

#[test]
fn hand_over_without_release_is_a_race() {
    check(false, true, Kind::Race);
}

#[test]
fn hand_over_without_acquire_is_a_race() {
    check(true, false, Kind::Race);
}

#[test]
fn hand_over_without_fences_is_a_race() {
    check(false, false, Kind::Race);
}

/// Whether a fence is one on this machine, as the architecture's documents say.
fn is_fence(machine: Machine, strength: Strength) -> bool {
    match (machine, strength) {
        (_, Strength::None) | (Machine::CortexM7 | Machine::MultiCore, Strength::Compiler) => false,
        (_, Strength::Full) | (Machine::CortexM4, Strength::Compiler) => true,
    }
}

/// A `compiler_fence` is as good as none on a machine that does not honour it, and as good as any on one that does.
#[test]
fn hand_over_with_compiler_fences_is_a_race_where_the_core_reorders() {
    for Fences { machine, start, end } in Fences::all() {
        let kind = judge::<Registers>(Write, Read, machine.honours(start), machine.honours(end));
        let expected = if is_fence(machine, start) && is_fence(machine, end) { Kind::Sound } else { Kind::Race };
        assert_eq!(kind, expected, "{machine}, {start} before the start, {end} after the end");
    }
}
